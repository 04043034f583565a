"""Which sandboxes of an engine live, and which processor cores they take.

That is found out by a look at every process of the machine, which can take longer than a sandbox
does to start. So it is done once in a while; what this process started it knows anyway.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from sealift import clock, process
from sealift.adapters.engines import bwrap_cores, bwrap_marks
from sealift.adapters.engines.bwrap_marks import Marked

EVERY = 3.0
"""Seconds between two looks, while containers are run one after the other."""


class Census:
    """The sandboxes of the engine whose folder is ``live``."""

    def __init__(self, live: Path) -> None:
        self._live = live
        self._lock = Lock()
        self._looked: float | None = None
        self._own: list[int] = []
        self._others: list[int] = []

    def living(self) -> list[Marked]:
        """Their processes, as they are now."""
        return [one for one in bwrap_marks.everywhere() if one.mark.live == str(self._live)]

    def sweep(self) -> list[Marked]:
        """End what outlived its caller; the processes of all others."""
        living = self.living()
        kill([one for one in living if one.mark.orphan()])
        return [one for one in living if not one.mark.orphan()]

    @contextmanager
    def cores(self, cpus: float | None) -> Iterator[tuple[int, ...]]:
        """Cores for a sandbox that lives as long as the block; orphans are ended now and then."""
        with self._lock:
            if self._looked is None or clock.monotonic() - self._looked > EVERY:
                self._look()
            chosen = self._choose(cpus)
            self._own.extend(chosen)
        try:
            yield chosen
        finally:
            with self._lock:
                for core in chosen:
                    self._own.remove(core)

    def cores_now(self, cpus: float | None) -> tuple[int, ...]:
        """Cores for a sandbox that outlives this process."""
        if cpus is None:
            return ()
        with self._lock:
            self._look()
            return self._choose(cpus)

    def _choose(self, cpus: float | None) -> tuple[int, ...]:
        return bwrap_cores.choose(cpus, os.sched_getaffinity(0), [*self._own, *self._others])

    def _look(self) -> None:
        mine = (os.getpid(), process.started(os.getpid()))
        found = [one.mark for one in self.sweep() if one.init]
        self._others = [core for mark in found if mark.caller != mine for core in mark.cores]
        self._looked = clock.monotonic()


def kill(ours: Sequence[Marked]) -> None:
    """Kill them; with its init the kernel ends everything in a sandbox."""
    for one in sorted(ours, key=lambda one: not one.init):
        process.end(one.pid, one.start, 0.0)


__all__ = ["Census", "kill"]
