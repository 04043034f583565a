"""What is wanted of ours, from what others reached in the same run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.result import summary


@dataclass(frozen=True)
class Wanted:
    """A limit and where it comes from; none where nobody is there to compare with."""

    value: float | None = None
    rule: str = ""


def wanted(samples: Mapping[str, list[float]], *factors: Mapping[str, float]) -> Wanted:
    """The largest of the multiples, and all of them in words.

    >>> wanted({"A": [2.0], "B": [3.0]}, {"A": 6.0, "B": 3.5, "C": 9.0})
    Wanted(value=12.0, rule='the largest of 6 x A, 3.5 x B')
    """
    found = {
        name: (factor, factor * summary(samples[name]))
        for given in factors
        for name, factor in given.items()
        if samples.get(name)
    }
    if not found:
        return Wanted()
    names = ", ".join(f"{factor:g} x {name}" for name, (factor, _) in found.items())
    most = max(value for _, value in found.values())
    return Wanted(most, f"the largest of {names}" if len(found) > 1 else names)


__all__ = ["Wanted", "wanted"]
