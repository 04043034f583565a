"""What a run's record says of the machine it ran on."""

from __future__ import annotations

import getpass
import os
import platform
from pathlib import Path

from sealift.record.run import Machine


def machine(engine: str) -> Machine:
    """The machine as this process sees it: its cores and memory are those it may use."""
    return Machine(
        host=platform.node(),
        user=user(),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        cpu=_cpu(),
        cores=cores(),
        memory=memory(),
        engine=engine,
    )


def user() -> str:
    """Who runs this; the number of the user where there is no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def cores(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Processor cores that this process may use: by affinity, and by the quota of its cgroup.

    ``cpu.max`` holds a quota and a period in microseconds (kernel, cgroup-v2).
    """
    allowed = len(os.sched_getaffinity(0))
    quota, _, period = _word(cgroup / "cpu.max").partition(" ")
    if quota.isdecimal() and period.isdecimal() and int(period) > 0:
        return max(1, min(allowed, int(quota) // int(period)))
    return allowed


def memory(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Bytes of memory that this process may use."""
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = _word(cgroup / "memory.max")
    return min(there, int(limit)) if limit.isdecimal() else there


def _cpu() -> str:
    for line in _word(Path("/proc/cpuinfo")).splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.processor() or platform.machine()


def _word(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


__all__ = ["cores", "machine", "memory", "user"]
