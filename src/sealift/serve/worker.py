"""The life of a worker: take the model into service, answer, drain, end."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from sealift import clock, process
from sealift.serve import connections, equality, log
from sealift.serve.access import AccessLog
from sealift.serve.app import App
from sealift.serve.artifact import Artifact
from sealift.serve.board import Seat
from sealift.serve.listening import Listening
from sealift.serve.ready import Certified, Readiness, certify, recertify
from sealift.serve.recorder import Recorder
from sealift.serve.service import Service
from sealift.serve.settings import Settings

SIGNALS = (signal.SIGTERM, signal.SIGINT)
"""What tells a server to end; the second time, to hurry. The parent passes both on as SIGTERM."""

BEAT = 0.25
"""Seconds between signs of life, and between looks at what the other workers were told."""

LINGER = 1.0
"""Most seconds that a server which should end goes on because requests still come."""

SOON = 1.0
"""Seconds of loading that a client may have to wait for; when it takes longer, it is told so."""

PATIENCE = 5.0
"""Seconds that the porter is waited for."""

PAUSE = 0.01
"""Seconds between looks whether it has gone."""

UNFINISHED = 75
"""The exit status of a worker that left requests unanswered."""

QUIET = 0.1
"""Seconds without a request after which nobody is taken to send any more."""


@dataclass(frozen=True)
class Post:
    """What a worker starts with.

    ``prepared`` is the model, certified by the parent, or why it must not serve; None leaves both
    to the worker. ``threads`` are for the calls of the model.
    """

    settings: Settings
    artifact: Artifact
    prepared: Certified | str | None
    threads: int


def work(post: Post, seat: Seat, opened: socket.socket) -> int:
    """Answer what comes to a socket until SIGTERM; the exit status."""
    asyncio.run(_work(post, seat, opened))
    return 0


def attend(post: Post, seat: Seat, opened: socket.socket) -> int:
    """Tell who asks that the model is being loaded, until SIGTERM; the exit status.

    Nobody waits for an answer when that takes long; when it does not, this begins nothing.
    """
    if signal.sigtimedwait(SIGNALS, SOON) is None:
        asyncio.run(_attend(post, seat, opened))
    return 0


async def _work(post: Post, seat: Seat, opened: socket.socket) -> None:
    ending = _signals()
    chosen = post.settings
    recorder = _recorder(post)
    access = AccessLog(chosen.log)
    service = _service(post, seat, recorder)
    service.reload = functools.partial(_prepare, service, replace(post, prepared=None), seat)
    beating = asyncio.create_task(_beat(service, seat))
    preparing = asyncio.create_task(_prepare(service, post, seat))
    asked = asyncio.create_task(ending.wait())
    await asyncio.wait((preparing, asked), return_when=asyncio.FIRST_COMPLETED)
    if not preparing.done():
        process.exit_now(0)
    preparing.result()
    await _relieved(seat)
    server = Listening(
        App(service, access, chosen.image), opened, connections=connections.allowed()
    )
    serving = asyncio.create_task(server.serve())
    await asyncio.wait((serving, asked), return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        serving.result()
    await _drain(service, ending, chosen.drain)
    server.end()
    begun = {serving, preparing, service.comparing or preparing}
    _, unfinished = await asyncio.wait(begun, timeout=chosen.grace)
    beating.cancel()
    if recorder is not None:
        recorder.close()
    await access.close()
    service.publish()
    if unfinished:
        # a call of the model that never returns must not keep the process alive
        process.exit_now(UNFINISHED)


async def _attend(post: Post, seat: Seat, opened: socket.socket) -> None:
    ending = _signals()
    access = AccessLog(post.settings.log)
    app = App(_service(post, seat, None), access, post.settings.image)
    server = Listening(app, opened, connections=connections.allowed())
    serving = asyncio.create_task(server.serve())
    await ending.wait()
    server.end()
    await asyncio.wait((serving,), timeout=SOON)
    await access.close()
    process.exit_now(0)


async def _relieved(seat: Seat) -> None:
    """Wait until the porter has gone: it would tell others that nobody is ready."""
    until = clock.monotonic() + PATIENCE
    while seat.board.porter.get("pid") and clock.monotonic() < until:
        await asyncio.sleep(PAUSE)


def _service(post: Post, seat: Seat, recorder: Recorder | None) -> Service:
    chosen, workers = post.settings, seat.board.workers
    limits = chosen.limits
    return Service(
        post.artifact,
        Readiness(),
        recorder,
        # a share of the room for bodies, but room for one at least
        replace(limits, room=max(limits.body, limits.room // workers)),
        seat,
        server=chosen.name,
        image=chosen.image,
        control=chosen.control,
    )


async def _prepare(service: Service, post: Post, seat: Seat) -> None:
    # loading holds up the event loop, for as long as it takes
    seat.status.set(0, "watched")
    if post.prepared is None:
        outcome = await asyncio.to_thread(certify, post.artifact, threads=post.threads)
    else:
        outcome = recertify(post.artifact, post.prepared)
    seat.status.set(1, "watched")
    if isinstance(outcome, str):
        service.readiness.set("failed", outcome)
        return
    pool = ThreadPoolExecutor(post.threads, thread_name_prefix="model")
    service.install(outcome, pool, post.threads)
    # what lives now lives as long as the process: the collector need not look at it again
    gc.collect()
    gc.freeze()
    service.readiness.set("ready")
    service.heed()
    service.publish()
    log.event("ready", worker=seat.worker)
    service.comparing = asyncio.create_task(_compare(service, post, outcome, seat))


async def _compare(service: Service, post: Post, certified: Certified, seat: Seat) -> None:
    """Find out, while the worker answers already, whether requests may be joined."""
    proof = equality.Proof(1, "it is switched off")
    if post.settings.batch:
        proof = await asyncio.to_thread(
            equality.proven,
            certified.model,
            certified.packer,
            post.artifact.contract,
            post.artifact.golden,
            lambda: service.readiness.ready,
        )
    service.join(proof)
    log.event(
        "batching", worker=seat.worker, on=proof.most > 1, rows=proof.most, reason=proof.reason
    )


async def _beat(service: Service, seat: Seat) -> None:
    while True:
        seat.status.add(1.0, "beat")
        service.heed()
        service.publish()
        await asyncio.sleep(BEAT)


def _recorder(post: Post) -> Recorder | None:
    if post.settings.records is None:
        return None
    names = [one.name for one in post.artifact.contract.fields]
    return Recorder(post.settings.records, names=names, version=post.artifact.identity.version)


def _signals() -> asyncio.Event:
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, ending.set)
    # a terminal sends it to parent and workers alike
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    process.take_signals(SIGNALS)
    return ending


async def _drain(service: Service, ending: asyncio.Event, seconds: float) -> None:
    service.readiness.set("ending", "The server is ending.")
    ending.clear()
    if await _waited(ending, seconds):
        return
    until = clock.monotonic() + LINGER
    while clock.monotonic() < until:
        seen = service.metrics.begun
        if await _waited(ending, QUIET) or service.metrics.begun == seen:
            return


async def _waited(again: asyncio.Event, seconds: float) -> bool:
    """Wait; true when a second signal cut it short."""
    with contextlib.suppress(TimeoutError):
        return await asyncio.wait_for(again.wait(), seconds)
    return False


__all__ = ["SIGNALS", "Post", "attend", "work"]
