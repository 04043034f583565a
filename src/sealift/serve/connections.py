"""How many connections may be open: as many as files, so that idle ones shut nobody out."""

from __future__ import annotations

import resource

SPARE = 64
"""Files that the server needs besides: the model, logs, records, threads."""

MOST = 16_384
"""Connections that are enough; each costs a few kilobytes."""


def most(files: int) -> int:
    """Connections for a process that may open so many files; -1 stands for no limit.

    >>> most(1024), most(-1), most(16)
    (960, 16384, 32)
    """
    return MOST if files < 0 else max(32, min(MOST, files - SPARE))


def allowed() -> int:
    """Let this process open as many files as it may, and tell the connections that gives."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST + SPARE if hard == resource.RLIM_INFINITY else min(hard, MOST + SPARE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return most(-1 if soft == resource.RLIM_INFINITY else soft)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return most(wanted)


__all__ = ["allowed", "most"]
