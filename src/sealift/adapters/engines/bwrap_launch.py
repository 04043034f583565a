"""Starting bubblewrap, and reading what became of it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

import msgspec

from sealift import process
from sealift.adapters.engines.bwrap_marks import VARIABLE
from sealift.adapters.engines.bwrap_program import complaint, missing_program
from sealift.adapters.engines.marks import Mark
from sealift.adapters.engines.memory_file import memory_file
from sealift.errors import MachineError

TAIL = 4096
"""Bytes at the end of a log in which bubblewrap's last words are looked for."""


class _Status(msgspec.Struct, frozen=True, rename="kebab"):
    child_pid: int | None = None
    exit_code: int | None = None


@dataclass(frozen=True)
class Launched:
    """A sandbox under way: its monitor, where it reports, and its log with the part before it."""

    mark: Mark
    child: Popen[bytes]
    report: int
    log: Path
    offset: int

    def init(self) -> int | None:
        """The process id of the sandbox's init, once there is one."""
        return next((line.child_pid for line in self._lines() if line.child_pid), None)

    def began(self) -> bool:
        """Whether its program was started at all, to be asked after the monitor has ended."""
        return bool(self._codes()) or self.child.returncode < 0

    def status(self) -> int:
        """How it ended, to be asked after the monitor has: 127 and 126 for no such program.

        Raises ``MachineError`` when there was no sandbox at all.
        """
        if codes := self._codes():
            return codes[-1]
        if self.child.returncode < 0:
            return 128 - self.child.returncode
        status = missing_program(self.words())
        if status is None:
            raise self.failure()
        return status

    def failure(self) -> MachineError:
        """The error for a sandbox that did not come up."""
        return complaint(self.words(), where=str(self.log))

    def words(self) -> str:
        """The end of what was written to the log since the start."""
        with self.log.open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(self.offset, size - TAIL))
            return stream.read().decode(errors="replace")

    def _codes(self) -> list[int]:
        return [line.exit_code for line in self._lines() if line.exit_code is not None]

    def _lines(self) -> list[_Status]:
        raw = os.pread(self.report, 1 << 16, 0)
        whole = raw[: raw.rfind(b"\n") + 1]
        return [msgspec.json.decode(line, type=_Status) for line in whole.splitlines()]


@contextmanager
def launched(
    program: Path,
    options: Sequence[str],
    argv: Sequence[str],
    *,
    mark: Mark,
    log: Path,
    detach: bool,
) -> Iterator[Launched]:
    """Start a sandbox; its report can be read until the block ends.

    Options travel in memory: on the command line every user of the machine could read them, and
    the values of variables are among them.
    """
    offset = log.stat().st_size if log.exists() else 0
    with memory_file("report") as report:
        with (
            memory_file("options", "".join(f"{word}\0" for word in options).encode()) as given,
            _on(mark.cores),
        ):
            words = [str(program), "--args", str(given), "--json-status-fd", str(report)]
            words += ["--", *argv] if detach else ["--die-with-parent", "--", *argv]
            child = process.spawn(
                words, log=log, env={VARIABLE: mark.text()}, detach=detach, pass_fds=(given, report)
            )
        yield Launched(mark, child, report, log, offset)


@contextmanager
def _on(cores: Sequence[int]) -> Iterator[None]:
    """Children started in the block by this thread run on these cores; on all if there are none."""
    if not cores:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


__all__ = ["Launched", "launched"]
