"""A hundred trainings of a small real model, two at a time."""

from __future__ import annotations

from benchmarks.program import FailedError
from benchmarks.result import Result, result
from benchmarks.train.field import Field, say

TRAININGS = 100


def measure(field: Field) -> list[Result]:
    """Seconds for all of them, from the start of the command to its end."""
    samples: dict[str, list[float]] = {}
    absent = dict(field.absent)
    for one in field.runners:
        title = f"{one.name} {one.version}".rstrip()
        say(f"{title}: {TRAININGS} trainings")
        try:
            one.fresh("train", TRAININGS)
            samples[title] = [one.run("train", TRAININGS).seconds]
        except FailedError as error:
            absent[one.name] = str(error)
    return [result("100 trainings in parallel", samples, field.where, absent=absent)]


__all__ = ["measure"]
