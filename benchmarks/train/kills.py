"""Faults while a project is trained: kill -9 of a step, of Sealift, of both, at random moments.

After each, one further training has to end complete with exactly the bytes that an undisturbed one
writes, and nothing of the cut one may still run.
"""

from __future__ import annotations

import os
import random
import signal
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen

from benchmarks.machine import REPOSITORY
from benchmarks.program import FailedError
from benchmarks.train.small import Small
from sealift import clock, process
from sealift.adapters.databases.sqlite import Sqlite
from sealift.adapters.engines import bwrap_marks
from sealift.record.run import Run

VICTIMS = ("step", "sealift", "both")
PATIENCE = 120.0
"""Seconds that a training may take at most, on a busy machine."""

PROJECT = """\
name = "kills"

[steps.prepare]
run = "echo ROUND > out/table; for n in 1 2 3; do echo $n >> out/table; sleep 0.02; done"
code = []
writes = { table = "out/table" }

[steps.count]
run = '''
state=$SEALIFT_CHECKPOINTS/state
[ -e $state ] || : > $state
done=0; while read line; do done=$((done + 1)); done < $state
while [ $done -lt 8 ]; do
    done=$((done + 1)); {{ cat $state; echo "ROUND $done {seed}"; }} > $state.new
    mv $state.new $state; sleep 0.02
done
cat out/table $state > out/counted
'''
code = []
reads = ["prepare.table"]
writes = { counted = "out/counted" }
params = { seed = 1 }
matrix = { seed = [1, 2, 3] }
cpus = 0.5
checkpoints = true

[steps.join]
run = "mkdir out/all; cat out/counted/* > out/all/joined; echo ROUND > out/all/round"
code = []
reads = ["count.counted"]
writes = { all = "out/all" }
"""


def project(number: int) -> str:
    """The project file of a round: its steps write other bytes than those of the round before."""
    return PROJECT.replace("ROUND", word(number))


def word(number: int) -> str:
    """What the steps of a round write, and those of no other."""
    return f"round-{number:04}"


@dataclass
class Outcome:
    """What a series of kills did, and all that went wrong after them."""

    rounds: int = 0
    struck: int = 0
    resumed: int = 0
    incomplete: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def kills(small: Small, hits: int, seed: int, told: Callable[[str], None]) -> Outcome:
    """Cut trainings off, at moments spread over their time, until so many were hit; finish each.

    A round whose victim had ended already counts among the rounds alone, of which there are twice
    as many at most.
    """
    first: list[str] = []
    whole = finish(small, 0, first)
    if first:
        raise FailedError(f"an undisturbed training failed: {first[0]}")
    pattern = content(small, 0)
    chance, outcome = random.Random(seed), Outcome()  # noqa: S311 - has to repeat
    for number in range(1, 2 * hits + 1):
        if outcome.struck == hits:
            break
        victim, share = chance.choice(VICTIMS), chance.random()
        where = f"round {number}, {victim} killed at {share:.0%}"
        small.write(project(number))
        outcome.struck += cut(small, victim, share * whole, chance)
        finish(small, number, outcome.incomplete)
        outcome.rounds += 1
        outcome.resumed += any(step.cached for step in last(small).steps)
        if content(small, number) != pattern:
            outcome.wrong.append(where)
        outcome.left += [f"{where}: {one.mark.name}" for one in living(small)]
        told(f"{where}: {len(outcome.incomplete)} incomplete, {len(outcome.wrong)} wrong so far")
    return outcome


def finish(small: Small, number: int, incomplete: list[str]) -> float:
    """Train to the end in a process of its own, as after a crash; the seconds it took."""
    small.write(project(number))
    child, began = begin(small), clock.monotonic()
    status = ended(child, PATIENCE)
    seconds = clock.monotonic() - began
    run = last(small)
    if status != 0 or run.status != "done" or len(run.steps) != 5:
        said = small.said.read_text(errors="replace")
        incomplete.append(f"round {number}: status {status}, run {run.status}: {run.error}\n{said}")
    return seconds


def begin(small: Small) -> Popen[bytes]:
    """Train in a new process, whose last words are kept: a fork of this one would share its state.

    Given back once the training itself begins, so that no moment is spent on loading modules.
    """
    words = [sys.executable, "-X", "faulthandler", "-m", "benchmarks.train.once", str(small.root)]
    heads = newest(small)
    small.said.unlink(missing_ok=True)
    child = process.spawn(words, log=small.said, cwd=REPOSITORY)
    deadline = clock.monotonic() + PATIENCE
    while child.poll() is None and newest(small) == heads and clock.monotonic() < deadline:
        clock.sleep(0.005)
    return child


def newest(small: Small) -> str:
    """The newest training's identifier, while one is being written or not."""
    return max((path.name for path in small.folders.runs.glob("*")), default="")


def cut(small: Small, victim: str, after: float, chance: random.Random) -> bool:
    """Begin a training and kill its victim after so many seconds; whether that was there."""
    child = begin(small)
    clock.sleep(after)
    below = descendants(child.pid)
    if child.poll() is not None:
        return False
    one = [chance.choice(below)] if below else []
    targets = {"step": one, "sealift": [child.pid], "both": [child.pid, *below]}[victim]
    for pid in targets:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    ended(child, PATIENCE)
    return bool(targets)


def ended(child: Popen[bytes], patience: float) -> int:
    """The status of a child; one that takes too long is killed."""
    if process.wait(child, patience) is None:
        child.kill()
    return child.wait()


def descendants(root: int) -> list[int]:
    """All processes below one, nearest first."""
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            parents.setdefault(int(fields[1]), []).append(int(path.parent.name))
    found, todo = [], [root]
    while todo:
        inner = parents.get(todo.pop(0), [])
        found += inner
        todo += inner
    return found


def last(small: Small) -> Run:
    """The record of the newest training."""
    ledger = Sqlite(small.folders.ledger)
    run = ledger.get(Run, ledger.heads()[-1].id)
    ledger.close()
    return run


def content(small: Small, number: int) -> dict[str, str]:
    """What the newest training wrote, by output and file, without the word of its round."""
    return {
        f"{step.name}.{name}/{path.relative_to(small.store.tree(tree))}": path.read_text().replace(
            word(number), "@"
        )
        for step in last(small).steps
        for name, tree in step.outputs.items()
        for path in files(small.store.tree(tree))
    }


def files(tree: Path) -> Iterable[Path]:
    """The files of a kept tree."""
    return [tree] if tree.is_file() else sorted(path for path in tree.rglob("*") if path.is_file())


def living(small: Small) -> list[bwrap_marks.Marked]:
    """Processes of containers of this project that still run, though no training does."""
    live = str((small.folders.live / "containers").absolute())
    deadline = clock.monotonic() + 10.0
    while found := [one for one in bwrap_marks.everywhere() if one.mark.live == live]:
        if clock.monotonic() > deadline:
            return found
        clock.sleep(0.05)
    return []


__all__ = ["Outcome", "kills", "project"]
