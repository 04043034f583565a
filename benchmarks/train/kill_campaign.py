"""The campaign of faults in training: 200 kills, and disks that fill up."""

from __future__ import annotations

import shutil

from benchmarks import machine
from benchmarks.package.field import say
from benchmarks.package.soundness import faults
from benchmarks.result import Result, result
from benchmarks.train.kills import kills
from benchmarks.train.places import WORK
from benchmarks.train.small import Small

KILLS = 200


def run(seed: int) -> list[Result]:
    """What was found in records, outputs, store and process table after so many kills."""
    root = WORK / "kills"
    shutil.rmtree(root, ignore_errors=True)
    small = Small(root)
    found = kills(small, KILLS, seed, say)
    damage = faults(small.folders.layout)
    for line in (*found.incomplete, *found.wrong, *found.left, *damage):
        say(line)
    rule = (
        f"none in {found.rounds} rounds, of which {found.struck} hit; "
        f"{found.resumed} went on from what was done"
    )
    numbers = {
        "next trainings that did not end complete": len(found.incomplete),
        "next trainings with other bytes": len(found.wrong),
        "containers that outlived their training": len(found.left),
        "damage found in the store": len(damage),
    }
    return [
        result(
            f"kill -9: {name}", {"ours": [float(value)]}, machine.where(),
            unit="", limit=0.0, rule=rule,
        )
        for name, value in numbers.items()
    ]  # fmt: skip


__all__ = ["run"]
