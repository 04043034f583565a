"""Whether two models give the same answers: numbers within a tolerance, labels exactly."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

TOLERANCE = 1e-4
"""Largest difference of two numbers that are the same answer, relative to the larger of the
original's size and the spread of its answers (at most 1): single precision, added up over many
trees, stays well within it."""


@dataclass(frozen=True)
class Answers:
    """What a model says of rows: a number or a label each, and the probabilities of the classes."""

    values: list[Any]
    chances: list[list[float]] | None = None


@dataclass(frozen=True)
class Difference:
    """The row in which two models differ most, in units of what is allowed: above 1 is too much."""

    place: int
    size: float
    original: Any
    converted: Any
    differing: int


def compare(original: Answers, converted: Answers) -> Difference:
    """The worst of all rows."""
    sizes = _numbers(original.values, converted.values)
    if original.chances is not None and converted.chances is not None:
        pairs = zip(original.chances, converted.chances, strict=True)
        chances = [max(map(_apart, one, other)) / TOLERANCE for one, other in pairs]
        labels = zip(original.values, converted.values, original.chances, strict=True)
        sizes = [max(size, _label(*words)) for size, words in zip(chances, labels, strict=True)]
    place = max(range(len(sizes)), key=sizes.__getitem__)
    return Difference(
        place=place,
        size=sizes[place],
        original=_shown(original, place),
        converted=_shown(converted, place),
        differing=sum(size > 1 for size in sizes),
    )


def spelled(value: Any) -> str:
    """A label in one spelling, whatever type it has.

    >>> spelled(True), spelled(1.0), spelled("no")
    ('1', '1', 'no')
    """
    if isinstance(value, str):
        return value
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _numbers(original: Sequence[Any], converted: Sequence[Any]) -> list[float]:
    pairs = list(zip(original, converted, strict=True))
    if any(isinstance(one, str) for pair in pairs for one in pair):
        return [0.0 if one == other else math.inf for one, other in pairs]
    finite = [one for one in original if math.isfinite(one)]
    spread = min(1.0, max(finite) - min(finite)) if len(finite) > 1 else 1.0
    return [_apart(one, other) / (TOLERANCE * _scale(one, spread)) for one, other in pairs]


def _scale(one: float, spread: float) -> float:
    return (max(abs(one), spread) if math.isfinite(one) else spread) or 1.0


def _apart(one: float, other: float) -> float:
    if one == other or (math.isnan(one) and math.isnan(other)):
        return 0.0
    size = abs(one - other)
    return math.inf if math.isnan(size) else size


def _label(original: str, converted: str, chances: Sequence[float]) -> float:
    """Different labels are the same answer where the original cannot tell the best two apart."""
    if original == converted:
        return 0.0
    best, second = sorted(chances)[-1], sorted(chances)[-2]
    return 0.0 if best - second <= 2 * TOLERANCE else math.inf


def _shown(answers: Answers, place: int) -> Any:
    value = answers.values[place]
    if answers.chances is None:
        return value
    return f"{value} ({', '.join(f'{one:.6g}' for one in answers.chances[place])})"


__all__ = ["TOLERANCE", "Answers", "Difference", "compare", "spelled"]
