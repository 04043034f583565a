"""Traefik as the router, driven by files."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import msgspec

from sealift import clock
from sealift.adapters.routers import traefik_config as config
from sealift.adapters.routers import traefik_process as processes
from sealift.adapters.routers import traefik_view as view
from sealift.adapters.routers.accesslog import AccessLog
from sealift.errors import MachineError, ReleaseError
from sealift.loopback import HOST
from sealift.record.observation import RequestSeen
from sealift.record.route import Route
from sealift.types import Json

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_PROCESSES = 2
_PATIENCE = 10.0
_ADOPTION = 3.0
_AGAIN = 1.5
_PAUSE = 0.01


class Remembered(msgspec.Struct, frozen=True, kw_only=True):
    """What outlives the process: the port of the service, and the boot it last ran in."""

    port: int
    boot: str


class Traefik:
    """Implements ``ports.Router`` with two Traefik processes, which outlive this one.

    Both follow the same route. One gets all requests; when it dies, the other gets the connections
    from then on, and ``start`` puts a new one beside it. See ``listener``.

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
        self._known: list[processes.Running] = []

    @property
    def address(self) -> str:
        """The stable base URL of the service.

        Raises ``MachineError`` before the first start, when no port has been chosen yet.
        """
        port = self._wanted or self._remembered().port
        if not port:
            raise MachineError("The router was never started.", remedy="Run `sealift up`.")
        return f"http://{HOST}:{port}"

    def start(self) -> bool:
        """Start what is missing of it, adopt what runs; whether anything was missing. Idempotent.

        Raises ``MachineError`` when the port is taken, its files cannot be written, or Traefik
        does not come up.
        """
        if self._whole():
            self._remember(self._known[0].port)
            return False
        adopted = self._adopt()
        port = adopted[0].port if adopted else self._choose_port()
        try:
            self._prepare(port, alone=not adopted)
        except OSError as error:
            raise MachineError(
                f"The router's files cannot be written: {error.strerror}.",
                where=str(self.folder),
                remedy="Make room on the disk, or mend the folder's permissions.",
            ) from error
        for _ in range(_PROCESSES - len(adopted)):
            self._begin(port)
        self._known = []
        return len(adopted) < _PROCESSES

    def _begin(self, port: int) -> None:
        """Start one process; returns once it follows the route."""
        one = processes.spawn(self.folder, self._static, port=port)
        # A damaged route is not in force in a new process, but stays so in one that runs.
        ready = view.routes if self._route_is_whole() else view.answers
        if not _wait(lambda: ready(one) or not one.alive, _PATIENCE) or not one.alive:
            one.end(1.0)
            raise MachineError(
                "The router does not answer.",
                where=str(self.folder / "output.log"),
                remedy="The log tells more.",
            )

    def _choose_port(self) -> int:
        return processes.choose_port(self._wanted, self._remembered().port)

    def _prepare(self, port: int, *, alone: bool) -> None:
        """The files that Traefik reads when it starts; ``alone`` says that none runs yet."""
        self._dynamic.parent.mkdir(parents=True, exist_ok=True)
        # The servers of another boot are gone, and their ports may be anyone's by now.
        gone = self._remembered().boot != _boot() or not self._route_is_whole()
        if alone and gone:
            _write(self._dynamic, self._nowhere().encode(), aside=self.folder)
        self._remember(port)
        text = config.static(port=port, dynamic_file=self._dynamic, folder=self.folder)
        _write(self._static, text.encode())

    def _route_is_whole(self) -> bool:
        try:
            msgspec.json.decode(self._dynamic.read_bytes())
        except (FileNotFoundError, msgspec.DecodeError):
            return False
        return True

    def stop(self) -> None:
        """End it and forget its route, so that a later start sends nobody to servers long gone."""
        # the one without requests first: else it would be given them
        for one in reversed(list(processes.find(self.folder))):
            one.end(_PATIENCE)
        if self._dynamic.exists():
            try:
                self._write_route(self._nowhere())
            except ReleaseError:  # a full disk: what is to be ended must end all the same
                with suppress(OSError):
                    self._dynamic.unlink()

    def running(self) -> bool:
        """Whether it is there and answers."""
        living = self._living()
        return bool(living) and view.served(living[0].port)

    def _whole(self) -> bool:
        """Whether all of its processes answer, at the right port."""
        living = self._living()
        return (
            len(living) == _PROCESSES
            and all(self._wanted in (0, one.port) and view.answers(one) for one in living)
            and view.served(living[0].port)
        )

    def apply(self, route: Route) -> None:
        """Put a route in force; returns once requests follow it. Nothing happens if they do.

        Raises ``ReleaseError`` when the route makes no sense, cannot be written or does not come
        into force; the route before it then stays.
        """
        text = config.dynamic(route)
        if not self._living():
            raise ReleaseError("The router is not running.", remedy="Run `sealift up`.")
        if self._written() == text and self._in_force(route):
            return
        deadline = clock.monotonic() + _PATIENCE
        while clock.monotonic() < deadline:
            # Written again when a change of the file went unnoticed.
            self._write_route(text)
            if _wait(lambda: self._in_force(route), _AGAIN):
                return
        raise ReleaseError(
            f"Generation {route.generation} of the route did not come into force.",
            where=str(self.folder / "traefik.log"),
            remedy="The log says what Traefik has against it.",
        )

    def _in_force(self, route: Route) -> bool:
        """Whether every process follows the route, also one that has died and come back since."""
        living = self._living()
        return (
            bool(living)
            and all(view.in_force(one, route) for one in living)
            and view.followed(living[0].port, route)
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
        if not self._log.current.exists():
            for one in self._living():
                one.reopen_logs()

    def _living(self) -> list[processes.Running]:
        """Its processes; looked for only when one is missing."""
        dead = [one for one in self._known if not one.alive]
        for one in dead:
            one.end(0.0)  # its entry in the process table, if it is this process's child
        if dead or len(self._known) != _PROCESSES:
            self._known = list(processes.find(self.folder))
        return self._known

    def _adopt(self) -> list[processes.Running]:
        """The processes that run already, if they answer at the right port; ends any other."""
        adopted: list[processes.Running] = []
        for one in processes.find(self.folder):
            port = adopted[0].port if adopted else self._wanted
            right = port in (0, one.port) and len(adopted) < _PROCESSES
            if right and _wait(partial(view.answers, one), _ADOPTION):
                adopted.append(one)
            else:
                one.end(1.0)
        return adopted

    def _remembered(self) -> Remembered:
        try:
            return msgspec.json.decode(self._memory.read_bytes(), type=Remembered)
        except (OSError, msgspec.DecodeError):
            return Remembered(port=0, boot="")

    def _remember(self, port: int) -> None:
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
