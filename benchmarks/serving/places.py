"""Where the benchmarks of the server work: below build/bench/serving, never in the sources."""

from __future__ import annotations

from pathlib import Path

from benchmarks.machine import REPOSITORY

HERE = Path(__file__).parent
RIVALS = HERE / "rivals"
WORK = REPOSITORY / "build" / "bench" / "serving"

__all__ = ["HERE", "RIVALS", "WORK"]
