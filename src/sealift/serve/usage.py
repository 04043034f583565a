"""What the server's processes use of the machine, under names that Prometheus clients agree on."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

PROCESSES = Path("/proc")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")


def gauges(processes: Iterable[int], root: Path = PROCESSES) -> dict[str, float]:
    """Memory in bytes, threads and open files of processes together.

    A page that several of them hold counts once. A process that has ended has nothing.
    """
    found: Counter[str] = Counter()
    for process in processes:
        folder = root / str(process)
        try:
            pages = (folder / "statm").read_text().split()
            threads = _status(folder)[17]
            files = len(os.listdir(folder / "fd"))  # noqa: PTH208  a count, not paths
            held = _share(folder)
        except OSError:
            continue
        found["process_resident_memory_bytes"] += int(pages[1]) * _PAGE if held is None else held
        found["process_virtual_memory_bytes"] += int(pages[0]) * _PAGE
        found["process_threads"] += int(threads)
        found["process_open_fds"] += files
    return dict(found)


def seconds(process: int, root: Path = PROCESSES) -> float:
    """Seconds of processor time of a process and its children that ended; 0 when it has ended."""
    try:
        words = _status(root / str(process))
    except OSError:
        return 0.0
    return sum(map(int, words[11:15])) / _TICKS


def _status(folder: Path) -> list[str]:
    return (folder / "stat").read_text().rpartition(") ")[2].split()


def _share(folder: Path) -> int | None:
    """The process's share of the pages that it holds (PSS, proc(5)); None where it is not told."""
    try:
        lines = (folder / "smaps_rollup").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("Pss:")), None)


__all__ = ["gauges", "seconds"]
