"""Traefik as the router, driven by files."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from pathlib import Path

import msgspec

from sealift import clock
from sealift.adapters.routers import traefik_config as config
from sealift.adapters.routers import traefik_process as processes
from sealift.adapters.routers.accesslog import AccessLog
from sealift.errors import MachineError, ReleaseError
from sealift.loopback import HOST, Answer, free_port, get
from sealift.record.observation import RequestSeen
from sealift.record.route import Route
from sealift.types import Json

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_PATIENCE = 10.0
_AGAIN = 1.5
_PAUSE = 0.01


class Remembered(msgspec.Struct, frozen=True, kw_only=True):
    """What outlives the process: the port of the service, and the boot it last ran in."""

    port: int
    boot: str


class Traefik:
    """Implements ``ports.Router`` with one Traefik process, which outlives this one.

    ``live`` is the folder for what belongs to running processes; ``port`` 0 picks a free port
    once and keeps it. The access log is cut into parts of about ``part_bytes``.
    """

    def __init__(
        self, live: Path, *, service: str, port: int = 0, part_bytes: int = 32 << 20
    ) -> None:
        self.folder = live.resolve() / "router"
        self.service = service
        self._wanted = port
        self._part_bytes = part_bytes
        self._log = AccessLog(self.folder)
        self._memory = self.folder / "port.json"
        self._static = self.folder / "static.yml"
        self._dynamic = self.folder / "dynamic" / "route.yml"
        self._known: processes.Running | None = None

    @property
    def address(self) -> str:
        """The stable base URL of the service.

        Raises ``MachineError`` before the first start, when no port has been chosen yet.
        """
        port = self._wanted or self._remembered().port
        if not port:
            raise MachineError("The router was never started.", remedy="Run `sealift up`.")
        return f"http://{HOST}:{port}"

    def start(self) -> None:
        """Start it, or adopt the one that runs. Idempotent.

        Raises ``MachineError`` when the port is taken, its files cannot be written, or Traefik
        does not come up.
        """
        if (adopted := self._adopt()) is not None:
            self._remember(adopted.port)
            return
        port = processes.choose_port(self._wanted, self._remembered().port)
        internal = free_port()
        try:
            self._prepare(port, internal)
        except OSError as error:
            raise MachineError(
                f"The router's files cannot be written: {error.strerror}.",
                where=str(self.folder),
                remedy="Make room on the disk, or mend the folder's permissions.",
            ) from error
        running = processes.spawn(self.folder, self._static, port=port, internal=internal)
        if not _wait(lambda: _answers(running), _PATIENCE):
            running.end(1.0)
            raise MachineError(
                "The router does not answer.",
                where=str(self.folder / "output.log"),
                remedy="The log tells more.",
            )

    def _prepare(self, port: int, internal: int) -> None:
        """The files that Traefik reads when it starts."""
        self._dynamic.parent.mkdir(parents=True, exist_ok=True)
        # The servers of another boot are gone, and their ports may be anyone's by now.
        if self._remembered().boot != _boot() or not self._route_is_whole():
            _write(self._dynamic, self._nowhere().encode(), aside=self.folder)
        self._remember(port)
        text = config.static(
            port=port, internal=internal, dynamic_file=self._dynamic, folder=self.folder
        )
        _write(self._static, text.encode())

    def _route_is_whole(self) -> bool:
        try:
            msgspec.json.decode(self._dynamic.read_bytes())
        except (FileNotFoundError, msgspec.DecodeError):
            return False
        return True

    def stop(self) -> None:
        """End it and forget its route, so that a later start sends nobody to servers long gone."""
        for one in processes.find(self.folder):
            one.end(_PATIENCE)
        if self._dynamic.exists():
            try:
                self._write_route(self._nowhere())
            except ReleaseError:  # a full disk: what is to be ended must end all the same
                with suppress(OSError):
                    self._dynamic.unlink()

    def running(self) -> bool:
        """Whether it is there and answers."""
        one = self._process()
        return one is not None and _answers(one)

    def apply(self, route: Route) -> None:
        """Put a route in force; returns once requests follow it. Nothing happens if they do.

        Raises ``ReleaseError`` when the route makes no sense, cannot be written or does not come
        into force; the route before it then stays.
        """
        text = config.dynamic(route)
        running = self._process()
        if running is None:
            raise ReleaseError("The router is not running.", remedy="Run `sealift up`.")
        if self._written() == text and _in_force(running, route):
            return
        deadline = clock.monotonic() + _PATIENCE
        while clock.monotonic() < deadline:
            # Written again when a change of the file went unnoticed.
            self._write_route(text)
            if _wait(lambda: _in_force(running, route), _AGAIN):
                return
        raise ReleaseError(
            f"Generation {route.generation} of the route did not come into force.",
            where=str(self.folder / "traefik.log"),
            remedy="The log says what Traefik has against it.",
        )

    def events(self, cursor: Json) -> tuple[list[RequestSeen], Json]:
        """Requests for predictions since the cursor, and the new cursor.

        Parts of the log that lie wholly before the cursor are deleted: the caller has kept what
        was in them when it hands the cursor back.
        """
        if cursor is not None:
            self._log.forget(cursor)
        self._rotate()
        return self._log.read(cursor)

    def _rotate(self) -> None:
        """Begin a new part when the current one is large, or when a rotation was cut short."""
        if self._log.oversized(self._part_bytes):
            self._log.rename()
        if not self._log.current.exists() and (one := self._process()):
            one.reopen_logs()

    def _process(self) -> processes.Running | None:
        if self._known is not None and not self._known.alive:
            self._known.end(0.0)  # its entry in the process table, if it is this process's child
            self._known = None
        if self._known is None:
            self._known = next(processes.find(self.folder), None)
        return self._known

    def _adopt(self) -> processes.Running | None:
        """The process that runs already, if it answers at the right port; ends any other."""
        adopted = None
        for one in processes.find(self.folder):
            right = self._wanted in (0, one.port) and adopted is None
            if right and _wait(partial(_answers, one), _PATIENCE / 2):
                adopted = one
            else:
                one.end(1.0)
        return adopted

    def _remembered(self) -> Remembered:
        try:
            return msgspec.json.decode(self._memory.read_bytes(), type=Remembered)
        except (OSError, msgspec.DecodeError):
            return Remembered(port=0, boot="")

    def _remember(self, port: int) -> None:
        self._known = None
        known = Remembered(port=port, boot=_boot())
        if known != self._remembered():
            _write(self._memory, msgspec.json.encode(known))

    def _nowhere(self) -> str:
        return config.dynamic(Route(service=self.service, generation=0, backends=()))

    def _written(self) -> str:
        try:
            return self._dynamic.read_text()
        except (OSError, UnicodeDecodeError):
            return ""

    def _write_route(self, text: str) -> None:
        try:
            _write(self._dynamic, text.encode(), aside=self.folder)
        except OSError as error:
            raise ReleaseError(
                "The route cannot be written; the one before it stays in force.",
                where=f"{self._dynamic}: {error.strerror}",
                remedy="Make room on the disk, or mend the folder's permissions.",
            ) from error


def _answers(one: processes.Running) -> bool:
    """Whether requests to the service's port reach this router."""
    return _get(one.port, config.PROBE) is not None


def _in_force(one: processes.Running, route: Route) -> bool:
    """Whether the API shows the route, enabled and with these weights, and requests follow it."""
    name = config.router_name(route.service, route.generation)
    if _shown(one, f"routers/{name}").status != "enabled":
        return False
    if wanted := config.weights(route):
        split = _shown(one, f"services/{route.service}-split")
        children = {child.name.removesuffix("@file"): child.weight for child in split.children}
        if split.status != "enabled" or children != wanted:
            return False
    probe = _get(one.port, config.PROBE)
    mark = "" if probe is None else probe.headers.get(config.FINGERPRINT.lower(), "")
    return mark == config.fingerprint(route)


class _Child(msgspec.Struct, frozen=True):
    name: str
    weight: int = 1


class _Weighted(msgspec.Struct, frozen=True):
    services: tuple[_Child, ...] = ()


class _Shown(msgspec.Struct, frozen=True):
    """A router or service as Traefik's API shows it."""

    status: str = ""
    weighted: _Weighted = _Weighted()

    @property
    def children(self) -> tuple[_Child, ...]:
        return self.weighted.services


def _shown(one: processes.Running, path: str) -> _Shown:
    answer = _get(one.internal, f"/api/http/{path}@file")
    return _Shown() if answer is None else msgspec.json.decode(answer.body, type=_Shown)


def _get(port: int, path: str) -> Answer | None:
    answer = get(port, path)
    return answer if answer is not None and answer.status == HTTPStatus.OK else None


def _wait(holds: Callable[[], bool], seconds: float) -> bool:
    deadline = clock.monotonic() + seconds
    while not holds():
        if clock.monotonic() > deadline:
            return False
        clock.sleep(_PAUSE)
    return True


def _write(path: Path, content: bytes, *, aside: Path | None = None) -> None:
    """Replace a file whole; ``aside`` is where the new one is written (same file system)."""
    draft = (aside or path.parent) / f".{path.name}.new"
    with draft.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(path)


def _boot() -> str:
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return ""


__all__ = ["Traefik"]
