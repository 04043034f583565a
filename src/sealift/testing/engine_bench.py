"""What the suite for engines works with: an engine, an image, and eyes on the machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from typing import Any

from sealift import clock, process
from sealift.ports import Engine
from sealift.record.container import ContainerSpec, Exit
from sealift.types import Digest

PATIENCE = 15.0
"""Seconds within which what must come about has come about."""


@dataclass(frozen=True)
class EngineBench:
    """``image`` is one of ``engine_image.host_image``; ``folder`` is empty and the test's own.

    ``source`` is Python that makes the same engine in another process, and names it ``engine``.
    """

    engine: Engine
    image: Digest
    folder: Path
    source: str

    @property
    def log(self) -> Path:
        """Where the containers of the bench write."""
        return self.folder / "log"

    def spec(self, script: str, **changes: Any) -> ContainerSpec:
        """A container that runs a line of shell."""
        plain: dict[str, Any] = {
            "name": "bench",
            "image": self.image,
            "argv": ("/bin/sh", "-c", script),
            "log": str(self.log),
        }
        return ContainerSpec(**(plain | changes))

    def run(self, script: str, *, timeout: float | None = 60.0, **changes: Any) -> tuple[Exit, str]:
        """Run it to the end; how it ended, and what it wrote."""
        self.log.unlink(missing_ok=True)
        ended = self.engine.run(self.spec(script, **changes), timeout=timeout)
        return ended, self.written()

    def written(self) -> str:
        """What containers wrote so far."""
        return self.log.read_text() if self.log.exists() else ""

    def elsewhere(self, code: str) -> Popen[bytes]:
        """Run Python in another process, with ``engine`` and a function ``spec`` as here."""
        head = (
            f"{self.source}\n"
            "from sealift.record.container import ContainerSpec\n"
            "def spec(script, **changes):\n"
            f"    return ContainerSpec(**dict(dict(name='bench', image={self.image!r},\n"
            f"        argv=('/bin/sh', '-c', script), log={str(self.log)!r}), **changes))\n"
        )
        words = [sys.executable, "-c", head + code]
        return process.spawn(words, log=self.folder / "elsewhere.log")


def until(fact: Callable[[], object], patience: float = PATIENCE) -> bool:
    """Wait until ``fact`` is true; whether it came about."""
    deadline = clock.monotonic() + patience
    while not fact():
        if clock.monotonic() > deadline:
            return False
        clock.sleep(0.02)
    return True


def processes(word: str) -> list[int]:
    """The ids of the processes of this machine with ``word`` on their command line."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208 -- names, not paths
        try:
            line = Path(f"/proc/{name}/cmdline").read_bytes()
        except OSError:
            continue
        if word.encode() in line.split(b"\0"):
            found.append(int(name))
    return found


def unique() -> str:
    """A number of seconds to sleep that no other process sleeps."""
    return f"600.{int(clock.token(12), 16):015d}"


__all__ = ["EngineBench", "processes", "unique", "until"]
