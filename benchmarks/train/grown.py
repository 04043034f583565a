"""Train so many steps without containers, in a process whose memory is its own.

``python -m benchmarks.train.grown FOLDER STEPS`` prints seconds of processor time and bytes.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path

from benchmarks.program import high_water
from benchmarks.train.runners import PROJECT
from benchmarks.train.small import Small
from sealift.record.container import ContainerSpec
from sealift.testing.engine import MemoryEngine


def engine() -> MemoryEngine:
    """One without containers, which writes the file of each step and keeps no list of them."""

    def step(spec: ContainerSpec) -> int:
        made.ran.clear()
        folder = next(Path(one.source) for one in spec.mounts if one.target == "/project")
        (folder / "out" / "n.txt").write_text(spec.name)
        return 0

    made = MemoryEngine(step)
    return made


def main(folder: str, steps: str) -> None:
    """Train twice; processor time of both, and the most memory."""
    small = Small(Path(folder))
    (small.root / "work.py").touch()
    numbers = ", ".join(map(str, range(int(steps))))
    small.write(PROJECT.format(run="echo {n} > out/n.txt", file="out/n.txt", numbers=numbers))
    empty, times = engine(), list[float]()
    for _ in range(2):
        before = _seconds()
        run = small.train(empty)
        times.append(_seconds() - before)
    told = {
        "first": times[0],
        "again": times[1],
        "peak": high_water(os.getpid()),
        "steps": len(run.steps),
        "cached": sum(one.cached for one in run.steps),
    }
    sys.stdout.write(json.dumps(told) + "\n")


def _seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main(*sys.argv[1:])
