"""How much of the machine this process may really use: cores and memory."""

from __future__ import annotations

import math
import os
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")

WORKER = 128 << 20
"""Bytes of memory for each worker below which there are fewer workers than cores."""


def cores(root: Path = CGROUPS) -> int:
    """Whole cores to run threads on, at least 1: those the scheduler gives, within the quota.

    The quota is the one of control groups, version 2 (``cpu.max``) or 1 (``cpu.cfs_quota_us``);
    more than a quarter of a core above a whole number rounds up, since a further thread uses it.
    """
    given = float(len(os.sched_getaffinity(0)))
    return max(1, math.ceil(min(given, quota(root)) - 0.25))


def quota(root: Path = CGROUPS) -> float:
    """The quota in cores of the control group mounted at ``root``; infinite when there is none."""
    if words := _words(root / "cpu.max"):
        return _share(words[0], words[-1])
    for folder in (root / "cpu", root / "cpu,cpuacct", root):
        limit = _words(folder / "cpu.cfs_quota_us")
        period = _words(folder / "cpu.cfs_period_us")
        if limit and period:
            return _share(limit[0], period[0])
    return math.inf


def workers(root: Path = CGROUPS) -> int:
    """Processes that serve: one a core, but no more than there is memory for, and at least one."""
    return max(1, int(min(cores(root), memory(root) // WORKER)))


def memory(root: Path = CGROUPS) -> float:
    """Bytes that the control group mounted at ``root`` may hold; infinite without a limit."""
    for path in (root / "memory.max", root / "memory" / "memory.limit_in_bytes"):
        words = _words(path)
        if words and words[0].isdecimal():
            return float(words[0])
    return math.inf


def _share(limit: str, period: str) -> float:
    try:
        share = int(limit) / int(period)
    except (ValueError, ZeroDivisionError):  # "max": no limit
        return math.inf
    return share if share > 0 else math.inf


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:
        return []


__all__ = ["cores", "memory", "quota", "workers"]
