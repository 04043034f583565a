"""The server: a parent that loads the model, and as many workers as there are cores to answer."""

from __future__ import annotations

from sealift import process
from sealift.serve import listening, log, native, quota, remote
from sealift.serve.artifact import Artifact, read_all
from sealift.serve.board import Board, Seat
from sealift.serve.crew import Crew
from sealift.serve.guard import Guard
from sealift.serve.model import divisible
from sealift.serve.ready import Certified, brief, certify, quick
from sealift.serve.settings import Settings, settings
from sealift.serve.worker import Post, attend, work


def serve(chosen: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises ``PackageError`` or ``MachineError``."""
    artifacts = read_all(chosen.model)
    claims = [listening.claim(chosen.host, chosen.port)]
    if chosen.grpc:
        claims.append(listening.claim(chosen.host, chosen.grpc, "SEALIFT_GRPC_PORT"))
        remote.load()
    ports = [int(one.getsockname()[1]) for one in claims]
    workers = chosen.workers or quota.workers()
    threads = max(1, quota.cores() // workers)
    board = Board(workers)
    for artifact in artifacts:
        board.orders.set(0, artifact.identity.name)
    log.event(
        "started",
        models={one.identity.name: one.identity.version for one in artifacts},
        host=chosen.host,
        port=ports[0],
        grpc=chosen.grpc,
        workers=workers,
        threads=threads,
    )
    _tell_of_compiled()
    crew = Crew(
        board,
        bind=lambda: listening.bound(chosen.host, ports),
        hang=chosen.hang,
        patience=chosen.drain + chosen.grace + 3.0,
    )
    guards = tuple(Guard(one.contract) for one in artifacts)
    post = Post(chosen, tuple((one, None) for one in artifacts), threads, guards)
    crew.gather()
    if not brief(*artifacts):
        crew.meet(lambda number, opened: attend(post, Seat(board, number), opened))
    prepared = tuple((one, _prepared(one, threads)) for one in artifacts)
    post = Post(chosen, prepared, threads, guards)
    if all(outcome is not None for _, outcome in prepared):
        crew.excuse()
    finished = crew.run(lambda number, opened: work(post, Seat(board, number), opened))
    log.event("ended", finished=finished)


def _tell_of_compiled() -> None:
    """A line for compiled code that lies there and is not used: it costs speed, and nothing else
    shows it."""
    fault = native.loaded().fault
    if fault is not None:
        log.event("compiled_part_not_used", reason=fault, remedy=native.REMEDY)


def _prepared(artifact: Artifact, threads: int) -> Certified | str | None:
    """The model, certified, if workers can take it over by fork, so that they share its memory.

    Threads do not come along, a graphics card is not handed over, and what a program of the
    user's holds nobody knows; then each worker loads its own.
    """
    if artifact.program or not divisible():
        return None
    before = process.threads()
    model = quick(artifact) if threads > 1 else None
    if threads > 1 and model is None:
        return None
    outcome = certify(artifact, threads=1, model=model)
    return outcome if process.threads() == before else None


__all__ = ["Settings", "serve", "settings"]
