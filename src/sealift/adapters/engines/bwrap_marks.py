"""What tells a sandbox's processes from all others: a mark in their environment.

The mark is the environment that bubblewrap itself is started with (its program gets another one).
It is there from the first instant, whatever happens to the caller, and needs no file. A process
inside a sandbox could put one into its own environment; so only bubblewrap's two processes count,
which are known by their place among the process namespaces: the monitor is in that of this machine,
the init is the first of the sandbox's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sealift import process
from sealift.adapters.engines import marks
from sealift.adapters.engines.marks import Mark

VARIABLE = "SEALIFT_CONTAINER"

# More than once, since a process that is only just being started does not show its mark yet.
REMOVE = """
for pause in 0.1 0.4 2; do
    sleep "$pause"
    for file in $(grep -ls "$1" /proc/[0-9]*/environ); do
        process=${file#/proc/}
        kill -9 "${process%/environ}"
    done
done
"""
"""Shell that kills the processes whose environment has its argument in it: a mark's id."""


@dataclass(frozen=True)
class Marked:
    """A living process of bubblewrap: its id, its start, and whether it is the sandbox's init."""

    mark: Mark
    pid: int
    start: int
    init: bool

    def program(self) -> tuple[int, int] | None:
        """The id and start of the program inside, once it is there; asked of the init."""
        for pid in _children(self.pid):
            start = process.started(pid)
            inside = start is not None and _namespaces(pid)[-1:] == [2]
            # In this order: what is just ending shows neither mark nor words.
            if start is not None and inside and _mark(pid) != self.mark and _has_words(pid):
                return pid, start
        return None


def marked(pid: int) -> Marked | None:
    """The process ``pid`` if it is bubblewrap's, started by this engine, and alive."""
    start = process.started(pid)
    mark = _mark(pid)
    numbers = _namespaces(pid) if mark else []
    init = len(numbers) == 2 and numbers[1] == 1
    if mark is None or start is None or not (init or len(numbers) == 1):
        return None
    return Marked(mark, pid, start, init) if process.alive(pid, start) else None


def everywhere() -> list[Marked]:
    """All such processes of this machine that this user may look at."""
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 -- names
    return [found for pid in pids if (found := marked(pid)) is not None]


def _mark(pid: int) -> Mark | None:
    return marks.read(process.environment(pid).get(VARIABLE))


def _has_words(pid: int) -> bool:
    """Whether a process has a command line, as every program does until it begins to end."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except OSError:
        return False


def _namespaces(pid: int) -> list[int]:
    """The ids of a process, from this namespace inwards; none when it is gone."""
    return next((list(map(int, line.split()[1:])) for line in _lines(f"/proc/{pid}/status")
                 if line.startswith("NSpid:")), [])  # fmt: skip


def _children(pid: int) -> list[int]:
    return [
        int(word) for line in _lines(f"/proc/{pid}/task/{pid}/children") for word in line.split()
    ]


def _lines(path: str) -> Iterator[str]:
    try:
        yield from Path(path).read_text().splitlines()
    except OSError:
        return


__all__ = ["REMOVE", "VARIABLE", "Marked", "everywhere", "marked"]
