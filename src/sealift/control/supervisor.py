"""The controller's process: router and API kept alive, observations collected, releases done."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from types import FrameType

import msgspec

from sealift import clock
from sealift.control import daemon, pulse
from sealift.control.keeper import Keeper
from sealift.errors import MachineError, SealiftError
from sealift.loopback import free_port, get, is_free
from sealift.record.model import Model
from sealift.release.controller import Controller
from sealift.release.fleet import Fleet
from sealift.release.place import InPlace
from sealift.watch.collect import Collector
from sealift.watch.profiles import Profiles
from sealift.wiring import Wired

PAUSE = 0.2
"""Seconds between two rounds."""
MANY = 10_000
"""New observations in one round that mean that there are more to be collected at once."""
REPEAT = 30.0
"""Seconds after which the same trouble is told again."""


class Supervisor:
    """Does its rounds until it is told to end.

    A foreseen error of one duty is told as a line of JSON and does not keep the others from theirs;
    an unforeseen one ends the process, visibly: `status` shows it, `up` starts a new one, and the
    new one carries on.
    """

    def __init__(self, wired: Wired) -> None:
        self._wired = wired
        self._ending = False
        self._behind = True
        self._told: dict[str, tuple[str, float]] = {}
        profiles = Profiles(wired.ledger, wired.store)
        self._collector = Collector(
            wired.router, wired.observations, wired.folders.records, profiles
        )
        self._controller = Controller(
            service=wired.project.name,
            ledger=InPlace(wired.ledger, environment=""),
            observations=wired.observations,
            router=wired.router,
            fleet=Fleet(
                wired.engine,
                service=wired.project.name,
                folders=wired.folders,
                launches=lambda version: wired.ledger.get(Model, version).launch,
            ),
            baseline=lambda version: profiles(version).baseline,
            behind=lambda: self._behind,
        )
        self._api = Keeper(
            daemon.api(wired.folders.root),
            port=self._port,
            answers=lambda port: get(port, "/health") is not None,
        )
        self._duties: dict[str, Callable[[], object]] = {
            "router": self._keep_router,
            "api": self._keep_api,
            "collect": self._collect,
            "release": self._controller.tick,
        }

    def run(self) -> None:
        """Do rounds; returns after SIGTERM or SIGINT, at the end of a round."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)
        with self._wired.ledger.exclusive("controller"):
            tell("started", service=self._wired.project.name)
            sign = pulse.controller(self._wired.folders.live)
            while not self._ending:
                sign.beat()
                self.round()
                clock.sleep(PAUSE)
            tell("ended")

    def round(self) -> None:
        """Every duty once."""
        for name, duty in self._duties.items():
            try:
                duty()
            except SealiftError as error:
                self._trouble(name, error)
            except OSError as error:
                # a full disk, a folder that may not be written: it may pass
                self._trouble(name, MachineError(f"{error}."))
            else:
                if self._told.pop(name, None):
                    tell("recovered", duty=name)

    def _keep_router(self) -> None:
        if self._wired.router.start():
            tell("router started", address=self._wired.router.address)

    def _keep_api(self) -> None:
        if (begun := self._api.tick()) is not None:
            tell("api started", port=begun.port)

    def _collect(self) -> None:
        self._behind = True
        self._behind = self._collector.tick() >= MANY

    def _port(self) -> int:
        """The port that the API had before, if it is still free; else a new one, remembered."""
        kept = self._wired.folders.live / "api.port"
        text = kept.read_text() if kept.exists() else ""
        if text.isdigit() and is_free(int(text)):
            return int(text)
        port = free_port()
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(str(port))
        return port

    def _trouble(self, duty: str, error: SealiftError) -> None:
        now = clock.monotonic()
        text, at = self._told.get(duty, ("", 0.0))
        if str(error) != text or now - at > REPEAT:
            self._told[duty] = (str(error), now)
            tell("trouble", duty=duty, what=error.what, where=error.where, next=error.remedy)

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        self._ending = True


def tell(event: str, **more: object) -> None:
    """A line of JSON on standard output, which is the log."""
    line = msgspec.json.encode({"at": clock.stamp(clock.now()), "event": event, **more})
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


__all__ = ["Supervisor", "tell"]
