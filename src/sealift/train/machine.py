"""What a run's record says of the machine it ran on."""

from __future__ import annotations

import getpass
import os
import platform
from pathlib import Path

from sealift.record.run import Machine
from sealift.train.graphics import graphics

NUMERIC = (
    *("sse4_2", "avx", "avx2", "fma", "f16c", "avx_vnni", "avx512f", "avx512vl", "avx512_vnni"),
    *("avx512_bf16", "avx512_fp16", "amx_tile", "amx_bf16", "amx_int8"),
    *("asimd", "asimddp", "bf16", "i8mm", "sve", "sve2"),
)
"""Instructions by whose presence BLAS, oneDNN and their like choose how they compute."""


def machine(engine: str) -> Machine:
    """The machine as this process sees it: its cores and memory are those it may use."""
    cards = graphics()
    return Machine(
        host=platform.node(),
        user=user(),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        cpu=_cpu(),
        cores=cores(),
        memory=memory(),
        engine=engine,
        instructions=instructions(_word(Path("/proc/cpuinfo"))),
        gpus=cards.models,
        driver=cards.driver,
    )


def instructions(cpuinfo: str) -> tuple[str, ...]:
    """Which of the instructions that numeric libraries look for a processor has.

    ``cpuinfo`` is proc(5)'s: "flags" of x86, "Features" of arm.

    >>> instructions("processor: 0\\nflags\\t\\t: fpu avx2 sse4_2 avx512f")
    ('sse4_2', 'avx2', 'avx512f')
    """
    for line in cpuinfo.splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("flags", "Features"):
            there = set(value.split())
            return tuple(one for one in NUMERIC if one in there)
    return ()


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
