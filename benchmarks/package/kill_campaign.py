"""The campaign of faults with the real command, the real registry and the example's project."""

from __future__ import annotations

import shutil
import sys

from benchmarks import machine
from benchmarks.package.field import say
from benchmarks.package.kills import Attempt, Outcome, full_disks, kills, small_disk
from benchmarks.package.ours import Ours
from benchmarks.package.places import WORK, surroundings
from benchmarks.package.registry import Registry, registry
from benchmarks.result import Result, Where, result

KILLS = 50
DISK = 700_000_000
ROOM = [1_000, 3_000_000, 17_000_000, 40_000_000, 58_000_000, 62_000_000, 90_000_000, 200_000_000]


def run(seed: int) -> list[Result]:
    """50 kills and 8 full disks; what was found in the stores, and how the next attempts ended."""
    where = machine.where()
    with registry(WORK / "kills-registry") as running:
        ours = Ours(WORK / "kills")
        ours.prepare(f"{running.host}/first:1")
        cut = kills(attempt(ours, running, "kills"), KILLS, seed, say)
        with small_disk(WORK / "small-disk", DISK) as volume:
            shutil.copytree(ours.root, volume / "project", symlinks=True)
            other = attempt(Ours(volume / "project"), running, "disks")
            full = full_disks(other, volume, ROOM, say)
    for line in (*cut.unsound, *cut.unfinished, *full.unsound, *full.unfinished):
        say(line)
    return [*told("kill -9", cut, where), *told("full disk", full, where)]


def attempt(ours: Ours, running: Registry, name: str) -> Attempt:
    """Package and push; each attempt after ``forget`` goes to a repository that has nothing."""

    def forget() -> None:
        ours.forget()
        ours.forget_bytecode()
        shutil.rmtree(running.storage, ignore_errors=True)

    def digest() -> str:
        return running.digest(name, "1")

    words = [sys.executable, "-m", "sealift", "package", "--to", f"{running.host}/{name}:1"]
    layout = ours.wired.folders.layout
    return Attempt(words, ours.root, surroundings(), layout, digest, forget)


def told(fault: str, outcome: Outcome, where: Where) -> list[Result]:
    """The outcome as results."""
    rounds, rule = outcome.rounds, f"none in {outcome.rounds} rounds, of which {outcome.struck} hit"
    numbers = {
        f"{fault}: damage found in the store": len(outcome.unsound),
        f"{fault}: next attempts that did not end with the same digest": len(outcome.unfinished),
    }
    return [
        result(name, {"ours": [float(value)] * rounds}, where, unit="", limit=0.0, rule=rule)
        for name, value in numbers.items()
    ]


__all__ = ["run"]
