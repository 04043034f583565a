"""A background process of a project that any later process finds again."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sealift import clock, process
from sealift.errors import MachineError

MARK = "SEALIFT_DAEMON"
PORT = "SEALIFT_DAEMON_PORT"


@dataclass(frozen=True)
class Living:
    """A process that runs: its id, when it started (ticks since boot), the port it was given."""

    pid: int
    start: int
    port: int


@dataclass(frozen=True)
class Daemon:
    """One kind of background process: ``python -m MODULE --root ROOT``.

    Nothing is written down about it: the mark is in the environment that it was started with, so
    that it is found whoever started it and whatever became of that.
    """

    root: Path
    name: str
    module: str

    @property
    def log(self) -> Path:
        """Where its output goes."""
        return self.root / ".sealift" / "live" / f"{self.name}.log"

    def find(self) -> list[Living]:
        """Every living process of this kind, oldest first; more than one only after a mishap."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and (one := self._marked(int(entry.name))):
                found.append(one)
        return sorted(found, key=lambda one: one.start)

    def start(self, *, port: int = 0) -> Living:
        """Start one, detached. Raises ``MachineError`` when it ends at once."""
        words = [sys.executable, "-m", self.module, "--root", str(self.root)]
        if port:
            words += ["--port", str(port)]
        child = process.spawn(
            words, log=self.log, env=self._environment(port), cwd=self.root, detach=True
        )
        pid = process.leave(child)
        start = process.started(pid)
        if start is None:
            raise MachineError(f"The {self.name} ended at once.", where=str(self.log))
        return Living(pid, start, port)

    def end(self, *, grace: float) -> int:
        """End every one of this kind; how many there were."""
        found = self.find()
        for one in found:
            self.remove(one, grace=grace)
        return len(found)

    def remove(self, one: Living, *, grace: float = 0.0) -> None:
        """End one, or take a dead child out of the process table.

        Raises ``MachineError`` when it outlives even a kill.
        """
        if not process.end(one.pid, one.start, grace):
            raise MachineError(f"The {self.name} does not end.", where=f"process {one.pid}")

    def wait(self, seconds: float) -> bool:
        """Whether there is one within so many seconds."""
        deadline = clock.monotonic() + seconds
        while not self.find():
            if clock.monotonic() > deadline:
                return False
            clock.sleep(0.05)
        return True

    def _environment(self, port: int) -> Mapping[str, str]:
        # an inherited mark of another daemon is replaced by its own
        return {**os.environ, MARK: self._mark, PORT: str(port)}

    def _marked(self, pid: int) -> Living | None:
        start = process.started(pid)
        if start is None:
            return None
        variables = process.environment(pid)
        if variables.get(MARK) != self._mark or not self._is_itself(pid):
            return None
        port = variables.get(PORT, "")
        return Living(pid, start, int(port) if port.isdigit() else 0)

    def _is_itself(self, pid: int) -> bool:
        """Whether it is the process that was marked, not a child that inherited the mark."""
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            return False
        return self.module in words and str(self.root) in words

    @property
    def _mark(self) -> str:
        return f"{self.name}:{self.root}"


def controller(root: Path) -> Daemon:
    """The process that collects observations and carries out releases."""
    return Daemon(root, "controller", "sealift.control")


def api(root: Path) -> Daemon:
    """The process of the control API."""
    return Daemon(root, "api", "sealift.web")


__all__ = ["Daemon", "Living", "api", "controller"]
