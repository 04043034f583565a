"""What Sealift itself costs as runs grow: processor time a step, and memory."""

from __future__ import annotations

import json
import shutil
import sys

from benchmarks import program
from benchmarks.machine import REPOSITORY
from benchmarks.result import Result, result
from benchmarks.train.field import Field, say
from benchmarks.train.places import WORK

SIZES = (100, 1_000, 10_000)


def measure(field: Field) -> list[Result]:
    """Runs of three sizes with an engine that starts nothing, so that only Sealift is measured."""
    first: dict[str, list[float]] = {}
    again: dict[str, list[float]] = {}
    memory: dict[str, list[float]] = {}
    for steps in SIZES:
        title = "ours" if steps == SIZES[-1] else f"ours, {steps:,} steps"
        say(f"{steps:,} steps")
        told = grown(steps)
        first[title] = [1e3 * told["first"] / steps]
        again[title] = [1e3 * told["again"] / steps]
        memory[title] = [told["peak"] / 1e6]
    return [
        result("processor time of Sealift a step, 10,000 steps", first, field.where, unit="ms"),
        result("the same when nothing is run again", again, field.where, unit="ms"),
        result("memory of Sealift at 10,000 steps", memory, field.where, unit="MB", limit=150.0,
            rule="whatever the number of steps"),
    ]  # fmt: skip


def grown(steps: int) -> dict[str, float]:
    """What a run of so many steps took."""
    folder = WORK / "grown"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    # else the project is in a folder that the repository around it ignores
    program.run(["git", "init", "--quiet"], cwd=folder)
    words = [sys.executable, "-m", "benchmarks.train.grown", str(folder), str(steps)]
    told: dict[str, float] = json.loads(program.run(words, cwd=REPOSITORY, timeout=3600.0).output)
    if told["steps"] != steps or told["cached"] != steps:
        raise program.FailedError(f"{told['cached']:.0f} of {steps} steps came from the cache")
    return told


__all__ = ["measure"]
