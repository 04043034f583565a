"""What a prediction lost, and how much of that the truth alone explains.

Each loss comes with features of the truth (a constant first): the truth is what it is whoever
answered, so whatever they explain can be taken out of a comparison ("control variates"). The
baseline is any constant prediction; what it loses is the natural yardstick.

>>> absolute(12.0, 30.0, 10.0)
(18.0, (1.0, 20.0, 0.0))
>>> squared(12.0, 30.0, 10.0)
(324.0, (1.0, 20.0, 400.0))
>>> wrong("late", "on time", "on time"), wrong(1.0, "1", 0)
((1.0, (1.0, 0.0)), (0.0, (1.0, 1.0)))
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from statistics import median_low
from typing import TypeAlias

Value: TypeAlias = float | str
Loss: TypeAlias = Callable[[Value, Value, Value], tuple[float, tuple[float, ...]]]
"""From output, truth and baseline to the loss and the features of the truth."""


def absolute(output: Value, truth: Value, baseline: Value) -> tuple[float, tuple[float, ...]]:
    """The absolute error; how far the truth is above and below the baseline."""
    above = number(truth) - number(baseline)
    return abs(number(output) - number(truth)), (1.0, max(above, 0.0), max(-above, 0.0))


def squared(output: Value, truth: Value, baseline: Value) -> tuple[float, tuple[float, ...]]:
    """The squared error; the distance of the truth from the baseline and its square."""
    above = number(truth) - number(baseline)
    return (number(output) - number(truth)) ** 2, (1.0, above, above * above)


def wrong(output: Value, truth: Value, baseline: Value) -> tuple[float, tuple[float, ...]]:
    """1 for a wrong class; whether the baseline is wrong too."""
    return float(not same(output, truth)), (1.0, float(not same(baseline, truth)))


def number(value: Value) -> float:
    """A number that can be reckoned with, from a text too; raises ``ValueError``."""
    found = float(value)
    if not abs(found) <= LARGEST:
        raise ValueError(f"{value!r} is not a number of reasonable size")
    return found


def same(one: Value, other: Value) -> bool:
    """Whether two class labels mean the same; a number and a text are compared as numbers."""
    if isinstance(one, str) == isinstance(other, str):
        return one == other
    try:
        return float(one) == float(other)
    except ValueError:
        return False


def middle(truths: Sequence[Value]) -> Value:
    """A constant prediction from a few truths: their median, or the most frequent class."""
    try:
        return median_low([number(truth) for truth in truths])
    except ValueError:
        return Counter(truths).most_common(1)[0][0]


LARGEST = 1e60
"""Its fourth power, the square of a squared error, is still a floating-point number."""

LOSSES: dict[str, Loss] = {"mae": absolute, "mse": squared, "error_rate": wrong}
"""By the name of the guard."""


__all__ = ["LOSSES", "Value", "absolute", "middle", "squared", "wrong"]
