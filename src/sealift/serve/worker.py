"""The life of a worker: take the model into service, answer, drain, end."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import signal
import sys
from concurrent.futures import Executor, ThreadPoolExecutor

import msgspec

from sealift import clock, process
from sealift.serve import connections, equality, garbage, log
from sealift.serve.access import AccessLog
from sealift.serve.app import App
from sealift.serve.artifact import Artifact
from sealift.serve.board import Seat
from sealift.serve.guard import Guard
from sealift.serve.house import House
from sealift.serve.http.listener import Listener as Door
from sealift.serve.listening import Sockets
from sealift.serve.reading import reader
from sealift.serve.ready import Certified, Readiness, certify, recertify
from sealift.serve.recorder import Recorder
from sealift.serve.relief import Relief, give_back, resident
from sealift.serve.remote import Remote
from sealift.serve.service import Service
from sealift.serve.settings import Settings
from sealift.serve.turn import Loop, Turns

SIGNALS = (signal.SIGTERM, signal.SIGINT)
"""What tells a server to end; the second time, to hurry. The parent passes both on as SIGTERM."""

SWITCH = 0.0001
"""Seconds for which one thread may keep the interpreter while another waits for it."""

BEAT = 0.25
"""Seconds between signs of life, and between looks at what the other workers were told."""

WIDTH = 16
"""Fields of a row from which fewer rows a second are logged."""

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

FIRST = 0.02
"""Seconds for which the first requests, that waited for the worker, have its core alone."""

QUIET = 0.1
"""Seconds without a request after which nobody is taken to send any more."""


class Post(msgspec.Struct, frozen=True):
    """What a worker starts with.

    Each of ``models`` is certified by the parent, or has a reason why it must not serve; None
    leaves both to the worker. ``threads`` are for the calls of the models, ``guards`` what requests
    for each are held to: made once, for all processes.
    """

    settings: Settings
    models: tuple[tuple[Artifact, Certified | str | None], ...]
    threads: int
    guards: tuple[Guard, ...]


class _Shop(msgspec.Struct, frozen=True):
    """What a worker works with: all models share the threads of its pool."""

    post: Post
    seat: Seat
    pool: Executor


def work(post: Post, seat: Seat, opened: Sockets) -> int:
    """Answer what comes to the sockets until SIGTERM; the exit status."""
    loop = Loop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(_work(post, seat, opened, loop.turns))
    return 0


def attend(post: Post, seat: Seat, opened: Sockets) -> int:
    """Tell who asks that the model is being loaded, until SIGTERM; the exit status.

    Nobody waits for an answer when that takes long; when it does not, this begins nothing.
    """
    if signal.sigtimedwait(SIGNALS, SOON) is None:
        asyncio.run(_attend(post, seat, opened))
    return 0


async def _work(post: Post, seat: Seat, opened: Sockets, turns: Turns) -> None:
    ending = _signals()
    chosen = post.settings
    access = AccessLog(chosen.log)
    shop = _Shop(post, seat, ThreadPoolExecutor(post.threads, thread_name_prefix="model"))
    house = _house(post, seat, recording=True)
    # the threads that write logs and compare batches must not keep the event loop waiting
    sys.setswitchinterval(SWITCH)
    for service in house.services.values():
        service.reload = functools.partial(_prepare_again, service, shop)
    beating = asyncio.create_task(_beat(house, seat))
    preparing = asyncio.create_task(_prepare_all(house, shop))
    asked = asyncio.create_task(ending.wait())
    await asyncio.wait((preparing, asked), return_when=asyncio.FIRST_COMPLETED)
    if not preparing.done():
        process.exit_now(0)
    preparing.result()
    await _relieved(seat)
    server, remote = _doors(chosen, house, access, opened, turns)
    serving = asyncio.create_task(server.serve())
    await asyncio.wait((serving, asked), return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        serving.result()
    remote.drain()
    await _drain(house, ending, chosen.drain)
    server.shut()
    server.end()
    closing = asyncio.create_task(remote.close())
    comparing = {one.comparing for one in house.services.values() if one.comparing}
    begun = {serving, closing, preparing, *comparing}
    _, unfinished = await asyncio.wait(begun, timeout=chosen.grace)
    beating.cancel()
    for service in house.services.values():
        if service.recorder is not None:
            service.recorder.close()
    await access.close()
    house.publish()
    if unfinished:
        # a call of the model that never returns must not keep the process alive
        process.exit_now(UNFINISHED)


async def _attend(post: Post, seat: Seat, opened: Sockets) -> None:
    ending = _signals()
    access = AccessLog(post.settings.log)
    house = _house(post, seat, recording=False)
    server, _ = _doors(post.settings, house, access, opened)
    serving = asyncio.create_task(server.serve())
    await ending.wait()
    server.end()
    await asyncio.wait((serving,), timeout=SOON)
    await access.close()
    process.exit_now(0)


def _doors(
    chosen: Settings, house: House, access: AccessLog, opened: Sockets, turns: Turns | None = None
) -> tuple[Door, Remote]:
    """The server for HTTP, yet to be started, and that for gRPC: it serves clients of HTTP/2 on
    the same port, and listens on a port of its own if it has one.
    """
    most = connections.allowed()
    # calls share connections of gRPC, so that fewer are enough
    share = most // 4
    remote = Remote(house, access, chosen.image, share)
    remote.listen(opened[1:])
    app = App(house, access, chosen.image)
    express = None
    if turns is not None:
        express = app.express
        express.attend(turns)
    return Door(app, opened[0], most=most - share, other=remote.take_over, express=express), remote


async def _relieved(seat: Seat) -> None:
    """Wait until the porter has gone: it would tell others that nobody is ready."""
    until = clock.monotonic() + PATIENCE
    while seat.board.porter.get("pid") and clock.monotonic() < until:
        await asyncio.sleep(PAUSE)


def _house(post: Post, seat: Seat, *, recording: bool) -> House:
    """The services of the models; ``recording`` says whether they log their predictions."""
    chosen, workers = post.settings, seat.board.workers
    # a share of the room for bodies, but room for one at least
    room = max(chosen.limits.body, chosen.limits.room // workers)
    limits = msgspec.structs.replace(chosen.limits, room=room)
    services = [
        Service(
            artifact,
            Readiness(),
            _recorder(post, artifact, workers) if recording else None,
            limits,
            seat,
            guard=guard,
            control=chosen.control,
        )
        for (artifact, _), guard in zip(post.models, post.guards, strict=True)
    ]
    house = House(services, limits, seat, server=chosen.name, image=chosen.image)
    house.reader = reader(chosen.records, chosen.reader)
    return house


async def _prepare_all(house: House, shop: _Shop) -> None:
    for service, (_, prepared) in zip(house.services.values(), shop.post.models, strict=True):
        await _prepare(service, prepared, shop)
    house.publish()
    shop.seat.status.set(1, "watched")


async def _prepare_again(service: Service, shop: _Shop) -> None:
    # loading holds up the event loop, for as long as it takes
    shop.seat.status.set(0, "watched")
    await _prepare(service, None, shop)
    # what the model before held lies between what is needed, and is large
    give_back()
    shop.seat.status.set(1, "watched")


async def _prepare(service: Service, prepared: Certified | str | None, shop: _Shop) -> None:
    threads = shop.post.threads
    if prepared is None:
        outcome = await asyncio.to_thread(certify, service.artifact, threads=threads)
    else:
        outcome = recertify(service.artifact, prepared)
    if isinstance(outcome, str):
        service.readiness.set("failed", outcome)
        return
    service.install(outcome, shop.pool, threads)
    garbage.settle()
    service.readiness.set("ready")
    service.heed()
    log.event("ready", worker=shop.seat.worker, model=service.name)
    service.comparing = asyncio.create_task(_compare(service, outcome, shop))


async def _compare(service: Service, certified: Certified, shop: _Shop) -> None:
    """Find out, while the worker answers already, whether requests may be joined."""
    await asyncio.sleep(FIRST)
    proof = equality.Proof(1, "it is switched off")
    if shop.post.settings.batch:
        proof = await asyncio.to_thread(
            equality.proven,
            certified.model,
            certified.packer,
            service.artifact.contract,
            service.artifact.golden,
            lambda: service.readiness.ready,
        )
    service.join(proof)
    log.event(
        "batching",
        worker=shop.seat.worker,
        model=service.name,
        on=proof.most > 1,
        rows=proof.most,
        reason=proof.reason,
    )


async def _beat(house: House, seat: Seat) -> None:
    relief, begun = Relief(), 0
    while True:
        seat.status.add(1.0, "beat")
        house.heed()
        house.publish()
        garbage.tidy()
        _let_go(relief, quiet=begun == house.metrics.begun)
        begun = house.metrics.begun
        await asyncio.sleep(BEAT)


def _let_go(relief: Relief, *, quiet: bool) -> None:
    """Give memory back that nobody needs, if it is time to."""
    held = resident()
    if relief.due(held, clock.monotonic(), quiet=quiet):
        give_back()
        relief.done(held, resident(), clock.monotonic())


def _recorder(post: Post, artifact: Artifact, workers: int) -> Recorder | None:
    """The log of a model's predictions, in a folder of its own where there are several models."""
    folder = post.settings.records
    if folder is None:
        return None
    if len(post.models) > 1:
        folder /= artifact.identity.name
    names = [one.name for one in artifact.contract.fields]
    rate = logged(post.settings.record_rate, len(names)) / workers / len(post.models)
    return Recorder(folder, names=names, version=artifact.identity.version, rate=rate)


def logged(rate: float, fields: int) -> float:
    """Predictions a second that are logged of rows with so many fields, at most ``rate``.

    What a line costs grows with its fields, and must not take the processor from answers.

    >>> logged(2000.0, 10), logged(2000.0, 640), logged(0.0, 640)
    (2000.0, 50.0, 0.0)
    """
    return min(rate, rate * WIDTH / fields) if fields else rate


def _signals() -> asyncio.Event:
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, ending.set)
    # a terminal sends it to parent and workers alike
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    process.take_signals(SIGNALS)
    return ending


async def _drain(house: House, ending: asyncio.Event, seconds: float) -> None:
    house.end()
    ending.clear()
    if await _waited(ending, seconds):
        return
    until = clock.monotonic() + LINGER
    while clock.monotonic() < until:
        seen = house.metrics.begun
        if await _waited(ending, QUIET) or house.metrics.begun == seen:
            return


async def _waited(again: asyncio.Event, seconds: float) -> bool:
    """Wait; true when a second signal cut it short."""
    with contextlib.suppress(TimeoutError):
        return await asyncio.wait_for(again.wait(), seconds)
    return False


__all__ = ["SIGNALS", "Post", "attend", "logged", "work"]
