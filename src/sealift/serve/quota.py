"""How many processor cores this process may really use."""

from __future__ import annotations

import math
import os
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")


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


__all__ = ["cores", "quota"]
