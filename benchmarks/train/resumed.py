"""Real trainings, killed again and again: what they come to is what one in one go comes to.

Each of the examples is trained once undisturbed. Then it begins anew, Sealift and its step are
killed each time a further checkpoint is there, and the last training goes to the end. Its outputs
have to be the same bytes, and its log has to say that it went on from a checkpoint.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec

from benchmarks import machine
from benchmarks.machine import REPOSITORY
from benchmarks.package.field import say
from benchmarks.program import FailedError
from benchmarks.program import run as ran
from benchmarks.result import Result, result
from benchmarks.train.places import WORK
from sealift import clock, process
from sealift.record.run import Run

EXAMPLES = ("boosting", "network")
KILLS = 3
PATIENCE = 600.0
"""Seconds that a training may take, on a busy machine."""
SEALIFT = Path(sys.prefix) / "bin" / "sealift"
_BEGAN = re.compile(r"goes on from (?:round|epoch) (\d+)")


@dataclass
class Outcome:
    """What an example came to, in one go and in pieces, and where the pieces began."""

    whole: dict[str, str]
    pieces: dict[str, str]
    began: int


def run(seed: int) -> list[Result]:
    """Outputs that differ, by example; ``seed`` is that of the trainings."""
    differing: dict[str, list[float]] = {}
    absent: dict[str, str] = {}
    for name in EXAMPLES:
        try:
            found = outcome(name, seed)
        except FailedError as error:
            absent[name] = str(error)
            say(f"{name}: {error}")
            continue
        wrong = [key for key, value in found.whole.items() if found.pieces.get(key) != value]
        if not found.began:
            wrong.append("it went on from no checkpoint")
        say(f"{name}: went on from {found.began} at last; wrong: {', '.join(wrong) or 'nothing'}")
        differing[name] = [float(len(wrong))]
    if not differing:
        raise FailedError("; ".join(f"{name}: {why}" for name, why in absent.items()))
    return [
        result(
            f"outputs of the example {name} that killed trainings made otherwise",
            {"ours": values},
            machine.where(),
            unit="",
            limit=0.0,
            rule=f"none after {KILLS} kills, each past a further checkpoint",
            absent=absent,
        )
        for name, values in differing.items()
    ]


def outcome(name: str, seed: int) -> Outcome:
    """Train an example in one go, then in pieces."""
    root = WORK / "resumed" / name
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(REPOSITORY / "examples" / name, root)
    # else it is in a folder that the repository around it ignores
    ran(["git", "init", "--quiet"], cwd=root)
    words: list[str | Path] = [SEALIFT, "train", "--json", "-p", f"seed={seed}"]
    ran(words, cwd=root, timeout=PATIENCE)
    whole = outputs(root)
    for path in (root / ".sealift").glob("ledger.db*"):
        path.unlink()
    for folder in ("runs", "checkpoints"):
        shutil.rmtree(root / ".sealift" / folder, ignore_errors=True)
    for number in range(1, KILLS + 1):
        cut(root, words, number)
        say(f"{name}: killed {number} times")
    ran(words, cwd=root, timeout=PATIENCE)
    return Outcome(whole, outputs(root), began(root))


def cut(root: Path, words: list[str | Path], number: int) -> None:
    """Train until two checkpoints more have been written, then kill Sealift, and so its step."""
    child = process.spawn(words, log=root / f"cut-{number}.log", cwd=root, detach=True)
    seen: set[tuple[str, int]] = set()
    before = stamps(root)
    deadline = clock.monotonic() + PATIENCE
    while len(seen) < 2 and child.poll() is None and clock.monotonic() < deadline:
        seen |= stamps(root) - before
        clock.sleep(0.02)
    if child.poll() is not None:
        said = (root / f"cut-{number}.log").read_text()
        raise FailedError(f"it ended before it was killed: {said[-300:]}")
    os.kill(child.pid, signal.SIGKILL)
    child.wait()


def stamps(root: Path) -> set[tuple[str, int]]:
    """The checkpoints that are there: their names and when they were written."""
    found: set[tuple[str, int]] = set()
    for path in (root / ".sealift" / "checkpoints").glob("*/*"):
        if not path.name.startswith("new.") and path.parent.suffix != ".points":
            try:
                found.add((path.name, path.stat().st_mtime_ns))
            except FileNotFoundError:
                continue
    return found


def outputs(root: Path) -> dict[str, str]:
    """What the newest run wrote, by output."""
    return {
        f"{step.name}.{name}": tree
        for step in newest(root).steps
        for name, tree in step.outputs.items()
    }


def began(root: Path) -> int:
    """Where the newest run went on from, by the first line of its step's log."""
    log = (root / newest(root).steps[0].log).read_text()
    found = _BEGAN.search(log)
    return int(found[1]) if found else 0


def newest(root: Path) -> Run:
    """The record of the newest run."""
    runs = ran([SEALIFT, "runs", "--json"], cwd=root).output
    return msgspec.json.decode(runs, type=list[Run])[-1]


__all__ = ["run"]
