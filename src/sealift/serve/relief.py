"""Memory that a flood of requests leaves behind, given back to the system.

What many large requests took at once is free when they are answered, but still the process's own:
malloc returns by itself only what lies at the end of its heap, and Python only arenas in which
nothing is left, where a spare object of one of its types, or the timer of a request that was
answered long ago, is enough to keep one. A full collection drops the spare objects, and
malloc_trim(3) returns free pages wherever they lie. Nobody is answered meanwhile: a fortieth of a
millisecond for each megabyte that goes back, five after a flood of 200 MB. So they wait for a
moment without requests, but not for ever: under steady load there is none.
"""

from __future__ import annotations

import ctypes
import gc
import os
from pathlib import Path

ROOM = 16 << 20
"""Bytes that a worker may hold beyond what it was found to need."""

LITTLE = ROOM >> 2
"""Bytes given back, of which fewer say that the rest is needed."""

PAUSE = 60.0
"""Seconds after which more is given back, or anything: timers of requests have ended by then."""

LONGEST = 300.0
"""Seconds after which nobody waits any longer for a moment without requests."""

_PAGE = os.sysconf("SC_PAGE_SIZE")


class Relief:
    """When to give memory back, by how much is resident, in bytes, and the monotonic clock.

    >>> relief = Relief()
    >>> [relief.due(size << 20, now, quiet=True) for size, now in ((50, 0), (90, 5), (90, 70))]
    [False, False, True]
    >>> relief.done(90 << 20, 89 << 20, 70)
    >>> relief.due(89 << 20, 200, quiet=True)
    False
    >>> [relief.due(150 << 20, now, quiet=False) for now in (200, 260, 501)]
    [False, False, True]
    """

    def __init__(self) -> None:
        self._needed: int | None = None
        self._last = 0.0

    def due(self, resident: int, now: float, *, quiet: bool) -> bool:
        """Whether to give back now; ``quiet`` says that nobody has asked anything just now."""
        if self._needed is None or resident < self._needed:
            self._needed = resident
        if resident - self._needed < ROOM:
            self._last = now
            return False
        return now - self._last >= (PAUSE if quiet else LONGEST)

    def done(self, before: int, after: int, now: float) -> None:
        """Memory was given back. If that was little, what is left is needed."""
        self._last = now
        if before - after < LITTLE:
            self._needed = after


def resident() -> int:
    """Bytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_bytes().split()[1]) * _PAGE


def give_back() -> None:
    """Return to the system what is free."""
    gc.collect()
    # C libraries other than glibc have no such function
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


__all__ = ["LONGEST", "PAUSE", "ROOM", "Relief", "give_back", "resident"]
