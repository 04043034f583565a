"""Where a worker was when it crashed or stood still: its stacks, for the parent to read.

They are written by a signal handler in C, which needs neither the interpreter nor its lock.
"""

from __future__ import annotations

import faulthandler
import os
import signal

from sealift import clock

ASK = signal.SIGUSR1
"""What makes a process write its stacks."""

MOST = 8192
"""Bytes of stacks that are read."""

WAIT = 0.2
"""Seconds that a process is given to write them."""


class Faults:
    """A file in memory that a parent shares with one child after the other."""

    def __init__(self) -> None:
        self._file = os.memfd_create("faults")

    def watch(self) -> None:
        """Have this process write its stacks when it crashes, and when it is asked for them."""
        faulthandler.enable(self._file)
        faulthandler.register(ASK, self._file, all_threads=True)

    def ask(self, process: int) -> None:
        """Let a process that watches write its stacks."""
        os.kill(process, ASK)
        clock.sleep(WAIT)

    def told(self) -> str:
        """What was written since; then it is forgotten."""
        written = os.pread(self._file, MOST, 0).decode(errors="replace")
        os.ftruncate(self._file, 0)
        os.lseek(self._file, 0, os.SEEK_SET)
        return written


__all__ = ["Faults"]
