"""A sign of life: a file whose time a process that does its rounds keeps new."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from sealift import clock

SILENCE = 180.0
"""Seconds without a sign after which a process that runs is taken for hung; a round may take long,
since it waits for model servers to end."""


class Pulse:
    """The sign of life in one file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def beat(self) -> None:
        """Give a sign; a disk that is full keeps nobody from his work."""
        with suppress(OSError):
            self._path.touch()

    def forget(self) -> None:
        """Whatever was there before says nothing of the process that begins now."""
        self._path.unlink(missing_ok=True)

    def stopped(self) -> bool:
        """Whether there were signs once, and none for long."""
        try:
            return clock.now() - self._path.stat().st_mtime > SILENCE
        except OSError:
            return False


def controller(live: Path) -> Pulse:
    """That of the controller; ``live`` is the folder for what belongs to running processes."""
    return Pulse(live / "controller.beat")


__all__ = ["SILENCE", "Pulse", "controller"]
