"""Steps that do nothing: what each costs the first time, and when it is not run again."""

from __future__ import annotations

from benchmarks.program import FailedError
from benchmarks.result import Result, result
from benchmarks.train.field import Field, say
from benchmarks.train.runners import Ours, Rival

STEPS = 1000


def measure(field: Field) -> list[Result]:
    """Milliseconds a step, from the start of the command to its end, over all steps."""
    first: dict[str, list[float]] = {}
    again: dict[str, list[float]] = {}
    memory: dict[str, list[float]] = {}
    fails, reruns = dict(field.absent), dict(field.absent)
    for one in field.runners:
        steps = one.kind.steps if isinstance(one, Rival) else STEPS
        title = f"{one.name} {one.version}, {steps} steps" if one.version else one.name
        try:
            run(one, steps, title, first, memory)
        except FailedError as error:
            fails[one.name] = reruns[one.name] = str(error)
            continue
        try:
            again[title] = [1e3 * one.again("noop", steps).seconds / steps]
        except FailedError as error:
            reruns[one.name] = str(error)
    rule = "1,000 steps, each in its container, on 2 cores"
    return [
        result("a step that does nothing", first, field.where, unit="ms", limit=60.0, rule=rule,
            absent=fails),
        result("a step that is not run again", again, field.where, unit="ms", limit=1.0,
            rule="1,000 steps in 1 s", absent=reruns),
        result("most memory of one process meanwhile", memory, field.where, unit="MB",
            absent=fails),
    ]  # fmt: skip


def run(
    one: Ours | Rival,
    steps: int,
    title: str,
    first: dict[str, list[float]],
    memory: dict[str, list[float]],
) -> None:
    """Run all of it for the first time."""
    say(title)
    one.fresh("noop", steps)
    done = one.run("noop", steps)
    first[title] = [1e3 * done.seconds / steps]
    memory[title] = [done.peak / 1e6]


__all__ = ["measure"]
