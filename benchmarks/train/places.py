"""Where the benchmarks of training work: below build/bench/train, never in the sources."""

from __future__ import annotations

from pathlib import Path

from benchmarks.machine import REPOSITORY

HERE = Path(__file__).parent
WORK = REPOSITORY / "build" / "bench" / "train"

__all__ = ["HERE", "WORK"]
