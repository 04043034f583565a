"""A hundred trainings of a small real model, two at a time."""

from __future__ import annotations

from benchmarks.program import FailedError
from benchmarks.result import Result, result
from benchmarks.train.field import Field, say
from benchmarks.train.runners import Ours, Rival

TRAININGS = 100


def measure(field: Field) -> list[Result]:
    """Seconds a training, from the start of the command to its end, over all of them.

    Runners whose steps take seconds by themselves get a fifth of them, or still fewer.
    """
    samples: dict[str, list[float]] = {}
    absent = dict(field.absent)
    for one in field.runners:
        count = trainings(one)
        fewer = f", {count} of them" if count < TRAININGS else ""
        title = f"{one.name} {one.version}".rstrip() + fewer
        say(f"{title}: {count} trainings")
        try:
            one.fresh("train", count)
            samples[title] = [one.run("train", count).seconds / count]
        except FailedError as error:
            absent[one.name] = str(error)
    return [result("a training of 100 in parallel", samples, field.where, absent=absent)]


def trainings(one: Ours | Rival) -> int:
    """How many a runner gets."""
    if isinstance(one, Ours) or one.kind.steps >= TRAININGS:
        return TRAININGS
    return min(TRAININGS // 5, one.kind.steps)


__all__ = ["measure"]
