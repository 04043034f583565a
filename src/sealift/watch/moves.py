"""Which bins of a field gained or lost, in words."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

from sealift.record.profile import FieldProfile
from sealift.record.watch import Move
from sealift.stats.drift import Counts, parts, shares

MOST = 3
"""Moves that are named for a field."""

GROWN = {2: "doubled", 3: "tripled", 4: "quadrupled"}
SHRUNK = {2: "halved", 3: "fell to a third", 4: "fell to a quarter"}


def moves(profile: FieldProfile, before: Counts, now: Counts) -> tuple[Move, ...]:
    """What changed most, by what it adds to the Jensen-Shannon divergence.

    ``before`` and ``now`` are counts in the bins of the profile, with the missing values last.
    Neighbouring bins of a number that all gained, or all lost, are one move.

    >>> field = FieldProfile(name="x", edges=(1.0, 2.0, 3.0))
    >>> [move.bin for move in moves(field, [40, 40, 10, 10, 0], [10, 40, 20, 30, 0])]
    ['values below 1', 'values from 2 up']
    """
    p, q, added = shares(before), shares(now), parts(before, now)
    found = [
        (
            float(added[first:behind].sum()),
            Move(
                bin=_words(profile, first, behind),
                before=float(p[first:behind].sum()),
                now=float(q[first:behind].sum()),
            ),
        )
        for first, behind in _runs(
            profile, [_sign(float(b - a)) for a, b in zip(p, q, strict=True)]
        )
    ]
    found.sort(key=lambda pair: -pair[0])
    whole = sum(part for part, _ in found)
    return tuple(move for part, move in found[:MOST] if part > 0.02 * whole)


def sentence(move: Move) -> str:
    """A move in words.

    >>> sentence(Move(bin="values above 46", before=0.05, now=0.15))
    'values above 46 tripled (5.0% to 15.0%)'
    >>> sentence(Move(bin="missing values", before=0.0, now=0.021))
    'missing values appeared (2.1%)'
    """
    numbers = f"({_percent(move.before)} to {_percent(move.now)})"
    if move.before == 0:
        return f"{move.bin} appeared ({_percent(move.now)})"
    if move.now == 0:
        return f"{move.bin} vanished (were {_percent(move.before)})"
    return f"{move.bin} {_change(move.now / move.before)} {numbers}"


def _change(ratio: float) -> str:
    if ratio >= 1.75:
        return GROWN.get(round(ratio), f"grew {ratio:.0f}-fold")
    if ratio <= 1 / 1.75:
        return SHRUNK.get(round(1 / ratio), f"fell to a {1 / ratio:.0f}th")
    return "rose" if ratio > 1 else "fell"


def _percent(share: float) -> str:
    return f"{share:.1%}" if share >= 0.001 else f"{share:.2g}"


def _sign(change: float) -> int:
    return (change > 0) - (change < 0)


def _runs(profile: FieldProfile, signs: list[int]) -> Iterator[tuple[int, int]]:
    """First bin and the one behind the last, for each stretch with one sign."""
    ordered = 0 if profile.categories else len(signs) - 1
    cuts = [
        place
        for place in range(1, len(signs))
        if place >= ordered or signs[place] != signs[place - 1]
    ]
    return pairwise([0, *cuts, len(signs)])


def _words(profile: FieldProfile, first: int, behind: int) -> str:
    bins = (len(profile.categories) or len(profile.edges)) + 1
    if first == bins:
        return "missing values"
    if profile.categories:
        known = first < len(profile.categories)
        return repr(profile.categories[first]) if known else "other values"
    return _range(profile.edges, first, behind)


def _range(edges: tuple[float, ...], first: int, behind: int) -> str:
    low = edges[first - 1] if first > 0 else None
    high = edges[behind - 1] if behind <= len(edges) else None
    if low is None and high is None:
        return "values"
    if low is None:
        assert high is not None
        return f"values {_upto(edges, high)}"
    after = _follows(edges, low)
    begin = f"above {_number(math.nextafter(low, -math.inf))}" if after else f"from {_number(low)}"
    if high is None:
        return f"values {begin}" if after else f"values {begin} up"
    if high == math.nextafter(low, math.inf):
        return f"the value {_number(low)}"
    end = _upto(edges, high)
    return f"values {begin} {end}" if end.startswith("up") else f"values {begin} to {end}"


def _upto(edges: tuple[float, ...], high: float) -> str:
    """A bin ends below its upper edge: which is "up to" where that edge follows a value."""
    if _follows(edges, high):
        return f"up to {_number(math.nextafter(high, -math.inf))}"
    return f"below {_number(high)}"


def _follows(edges: tuple[float, ...], edge: float) -> bool:
    """Whether an edge only closes the bin of the single value before it."""
    return math.nextafter(edge, -math.inf) in edges


def _number(value: float) -> str:
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e15 else f"{value:.4g}"


__all__ = ["moves", "sentence"]
