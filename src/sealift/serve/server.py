"""The server: a parent that loads the model, and as many workers as there are cores to answer."""

from __future__ import annotations

from sealift import process
from sealift.serve import listening, log
from sealift.serve.artifact import Artifact, read
from sealift.serve.board import Board, Seat
from sealift.serve.crew import Crew
from sealift.serve.model import divisible
from sealift.serve.quota import cores
from sealift.serve.ready import Certified, certify
from sealift.serve.settings import Settings, settings
from sealift.serve.worker import Post, work


def serve(chosen: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises ``PackageError`` or ``MachineError``."""
    artifact = read(chosen.model)
    port = listening.claim(chosen.host, chosen.port)
    given = cores()
    workers = chosen.workers or given
    threads = max(1, given // workers)
    board = Board(workers)
    board.orders.set(0, artifact.identity.name)
    log.event(
        "started",
        model=artifact.identity.name,
        version=artifact.identity.version,
        host=chosen.host,
        port=port,
        workers=workers,
        threads=threads,
    )
    post = Post(chosen, artifact, _prepared(artifact, threads), threads)
    crew = Crew(
        board,
        listen=lambda: listening.listener(chosen.host, port),
        work=lambda worker, opened: work(post, Seat(board, worker), opened),
        hang=chosen.hang,
        patience=chosen.drain + chosen.grace + 3.0,
    )
    finished = crew.run()
    log.event("ended", finished=finished)


def _prepared(artifact: Artifact, threads: int) -> Certified | str | None:
    """The model, certified, if workers can take it over by fork, so that they share its memory.

    Threads do not come along, a graphics card is not handed over, and what a program of the
    user's holds nobody knows; then each worker loads its own.
    """
    if threads > 1 or artifact.program or not divisible():
        return None
    before = process.threads()
    outcome = certify(artifact, threads=threads)
    return outcome if process.threads() == before else None


__all__ = ["Settings", "serve", "settings"]
