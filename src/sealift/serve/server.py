"""The life of the server: start, certify, answer, drain, end."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import math
import signal
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn, TypeVar

from granian.constants import HTTPModes
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.embed import Server

from sealift import clock, process
from sealift.errors import MachineError, UsageError
from sealift.serve import connections, log
from sealift.serve.access import AccessLog, Mode
from sealift.serve.app import App
from sealift.serve.artifact import Artifact, read
from sealift.serve.quota import cores
from sealift.serve.ready import Readiness, certify
from sealift.serve.recorder import Recorder
from sealift.serve.service import Limits, Service

T = TypeVar("T", bound=str)

KEEP_ALIVE = 120_000
"""Milliseconds until an idle connection is closed: longer than routers keep theirs (90 s), so
that a router never sends a request on a connection that is being closed."""


LINGER = 1.0
"""Most seconds that a server which should end goes on because requests still come."""

QUIET = 0.1
"""Seconds without a request after which nobody is taken to send any more."""


@dataclass(frozen=True)
class Settings:
    """Where to listen, where to log predictions, how to end; times in seconds.

    After the signal to end, the server answers for ``drain`` more seconds while it says that it
    is not ready, and up to ``LINGER`` more while requests still come; then it takes no more, and
    has ``grace`` seconds for those that are being answered.
    """

    model: Path
    host: str = "127.0.0.1"
    port: int = 8080
    records: Path | None = None
    image: str = ""
    drain: float = 1.0
    grace: float = 8.0
    limits: Limits = field(default_factory=Limits)
    log: Mode = "errors"
    control: bool = False
    name: str = "sealift"


def settings(environment: Mapping[str, str], model: Path) -> Settings:
    """The settings in ``SEALIFT_...`` variables. Raises ``UsageError`` for bad numbers."""
    records = environment.get("SEALIFT_RECORDS", "")
    return Settings(
        model=model,
        host=environment.get("SEALIFT_HOST", "") or "127.0.0.1",
        port=int(_number(environment, "SEALIFT_PORT", 8080, most=65_535)),
        records=Path(records) if records else None,
        image=environment.get("SEALIFT_IMAGE", ""),
        drain=_number(environment, "SEALIFT_DRAIN", 1.0, most=3600),
        grace=_number(environment, "SEALIFT_GRACE", 8.0, most=3600),
        limits=_limits(environment),
        log=_choice(environment, "SEALIFT_LOG", ("errors", "all", "none")),
        control=_choice(environment, "SEALIFT_MODEL_CONTROL", ("none", "explicit")) == "explicit",
        name=environment.get("SEALIFT_SERVER_NAME", "") or "sealift",
    )


def serve(chosen: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises ``PackageError`` or ``MachineError``."""
    asyncio.run(_serve(chosen))


async def _serve(chosen: Settings) -> None:
    ending = _signals()
    artifact = read(chosen.model)
    recorder = None
    if chosen.records is not None:
        names = [one.name for one in artifact.contract.fields]
        recorder = Recorder(chosen.records, names=names, version=artifact.identity.version)
    readiness = Readiness()
    service = Service(
        artifact,
        readiness,
        recorder,
        chosen.limits,
        server=chosen.name,
        image=chosen.image,
        control=chosen.control,
    )
    access = AccessLog(chosen.log)
    server = _granian(App(service, access, chosen.image), chosen)
    service.reload = functools.partial(_prepare, service, artifact)
    serving = asyncio.create_task(server.serve())
    preparing = asyncio.create_task(_prepare(service, artifact))
    asked = asyncio.create_task(ending.wait())
    log.event(
        "started",
        model=artifact.identity.name,
        version=artifact.identity.version,
        host=chosen.host,
        port=chosen.port,
    )
    await asyncio.wait((serving, asked), return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        _give_up(chosen, serving)
    await _drain(service, ending, chosen.drain)
    server.stop()
    await asyncio.wait((serving, preparing), timeout=chosen.grace)
    if recorder is not None:
        recorder.close()
    await access.close()
    finished = serving.done() and preparing.done()
    log.event("ended", finished=finished)
    if not finished:
        # a call of the model that never returns must not keep the process alive
        process.exit_now(0)


async def _prepare(service: Service, artifact: Artifact) -> None:
    threads = cores()
    outcome = await asyncio.to_thread(certify, artifact, threads=threads)
    if isinstance(outcome, str):
        service.readiness.set("failed", outcome)
        return
    service.install(outcome, ThreadPoolExecutor(threads, thread_name_prefix="model"), threads)
    # what lives now lives as long as the process: the collector need not look at it again
    gc.collect()
    gc.freeze()
    service.readiness.set("ready")
    log.event("ready")


def _give_up(chosen: Settings, serving: asyncio.Task[None]) -> NoReturn:
    where = f"{chosen.host}:{chosen.port}"
    error = None if serving.cancelled() else serving.exception()
    raise MachineError(
        f"The server cannot listen: {error or 'it ended'}.",
        where=where,
        remedy="Choose a free port in SEALIFT_PORT.",
    ) from error


def _granian(app: App, chosen: Settings) -> Server:
    return Server(
        app,
        address=chosen.host,
        port=chosen.port,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=KEEP_ALIVE),
        websockets=False,
        backlog=1024,
        backpressure=connections.allowed(),
        log_level=LogLevels.error,
        log_access=False,
    )


def _signals() -> asyncio.Event:
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)
    return ending


async def _drain(service: Service, ending: asyncio.Event, seconds: float) -> None:
    service.readiness.set("ending", "The server is ending.")
    log.event("draining", seconds=seconds)
    ending.clear()
    if await _waited(ending, seconds):
        return
    until = clock.monotonic() + LINGER
    while clock.monotonic() < until:
        seen = service.metrics.begun
        if await _waited(ending, QUIET) or service.metrics.begun == seen:
            return


def _limits(environment: Mapping[str, str]) -> Limits:
    default = Limits()
    body = int(_number(environment, "SEALIFT_MAX_BODY", default.body, most=1 << 31))
    return Limits(
        body=body,
        room=max(body, int(_number(environment, "SEALIFT_MAX_BODIES", default.room, most=1 << 40))),
        patience=_number(environment, "SEALIFT_MAX_WAIT", default.patience, most=3600),
        timeout=_number(environment, "SEALIFT_TIMEOUT", default.timeout, most=3600),
    )


async def _waited(again: asyncio.Event, seconds: float) -> bool:
    """Wait; true when a second signal cut it short."""
    with contextlib.suppress(TimeoutError):
        return await asyncio.wait_for(again.wait(), seconds)
    return False


def _number(environment: Mapping[str, str], name: str, default: float, *, most: float) -> float:
    text = environment.get(name, "") or str(default)
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= most:
        raise UsageError(f"{name} must be a number from 0 to {most:g}, not {text!r}.")
    return value


def _choice(environment: Mapping[str, str], name: str, known: tuple[T, ...]) -> T:
    text = environment.get(name, "") or known[0]
    for choice in known:
        if choice == text:
            return choice
    raise UsageError(f"{name} must be one of {', '.join(map(str, known))}, not {text!r}.")


__all__ = ["Settings", "serve", "settings"]
