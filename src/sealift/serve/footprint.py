"""Memory that was needed to load a model, and is not needed to serve it.

Loading touches most of the runtime's code once. These pages are those of files: the kernel reads
them again when they are wanted, so a process need not keep them.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator
from pathlib import Path

_DONTNEED = 4
"""``MADV_DONTNEED`` of madvise(2)."""

_MAPPING = re.compile(rb"([0-9a-f]+)-([0-9a-f]+) r-[x-]p [0-9a-f]+ \S+ [1-9][0-9]* +/")
_SIZE = re.compile(rb"(Rss|Anonymous): +([0-9]+) kB")


def lessen() -> None:
    """Let go of what was read from files and is only read, and of memory that is free."""
    libc = ctypes.CDLL(None)
    libc.malloc_trim(0)
    libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    for begin, end in unchanged(Path("/proc/self/smaps").read_bytes()):
        libc.madvise(begin, end - begin, _DONTNEED)


def unchanged(mappings: bytes) -> Iterator[tuple[int, int]]:
    """Where files are mapped of which no page was changed, as ``/proc/PID/smaps`` tells them.

    A page that was changed, for example where a library is linked to others, exists nowhere else.
    Emulators of processors tell of no pages at all, which means nothing.

    >>> text = b"10-20 r-xp 00000000 fe:00 5   /lib/x.so\\nRss:  8 kB\\nAnonymous:    0 kB\\n"
    >>> list(unchanged(text)), list(unchanged(text.replace(b" 0 kB", b" 4 kB")))
    ([(16, 32)], [])
    >>> list(unchanged(text.replace(b" 8 kB", b" 0 kB")))
    []
    """
    place: tuple[int, int] | None = None
    held = False
    for line in mappings.splitlines():
        if line[:1].isdigit() or line[:1] in b"abcdef":
            found = _MAPPING.match(line)
            place = (int(found[1], 16), int(found[2], 16)) if found else None
        elif place and (size := _SIZE.match(line)):
            if size[1] == b"Rss":
                held = size[2] != b"0"
            elif held and size[2] == b"0":
                yield place


__all__ = ["lessen", "unchanged"]
