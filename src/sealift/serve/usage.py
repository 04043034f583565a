"""What this process uses of the machine, under the names that Prometheus clients agree on."""

from __future__ import annotations

import os
from pathlib import Path

SELF = Path("/proc/self")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def gauges(root: Path = SELF) -> dict[str, float]:
    """Memory in bytes, threads and open files now; nothing where the system does not tell."""
    try:
        pages = (root / "statm").read_text().split()
        threads = (root / "stat").read_text().rpartition(") ")[2].split()[17]
        files = len(os.listdir(root / "fd"))  # noqa: PTH208  a count, not paths
    except OSError:
        return {}
    return {
        "process_resident_memory_bytes": int(pages[1]) * _PAGE,
        "process_virtual_memory_bytes": int(pages[0]) * _PAGE,
        "process_threads": int(threads),
        "process_open_fds": files,
    }


def counters() -> dict[str, float]:
    """Seconds of processor time since the start."""
    times = os.times()
    return {"process_cpu_seconds_total": round(times.user + times.system, 3)}


__all__ = ["counters", "gauges"]
