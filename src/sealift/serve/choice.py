"""Which rows become golden vectors: few, spread over the table, with the extremes of each field."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from sealift.serve.table import Column

GOLDEN = 64
"""Golden vectors of a model."""


def evenly(rows: int, most: int) -> list[int]:
    """At most ``most`` row numbers, evenly spaced, from the first to the last.

    >>> evenly(10, 4)
    [0, 3, 6, 9]
    """
    if rows <= most:
        return list(range(rows))
    return sorted({round(step * (rows - 1) / (most - 1)) for step in range(most)})


def golden_rows(columns: Sequence[Column], rows: int, fits: Callable[[int], bool]) -> list[int]:
    """The rows for golden vectors, in the order of the table; each fits the contract.

    Up to three quarters show extremes: for each field the smallest and the largest value, a row
    without a value, and texts as they first occur. The others are evenly spaced.
    """
    chosen: dict[int, None] = {}
    for row in _turns([list(_extremes(column)) for column in columns]):
        if len(chosen) >= GOLDEN * 3 // 4:
            break
        if fits(row):
            chosen[row] = None
    for row in [*evenly(rows, GOLDEN), *evenly(rows, GOLDEN * 16)]:
        if len(chosen) >= GOLDEN:
            break
        if fits(row):
            chosen[row] = None
    return sorted(chosen)


def _turns(lists: Sequence[list[int]]) -> Iterable[int]:
    # one of each field in turn, so that the first field does not take all places
    for turn in range(max(map(len, lists), default=0)):
        yield from (rows[turn] for rows in lists if turn < len(rows))


def _extremes(column: Column) -> Iterable[int]:
    if column.kind == "string":
        first: dict[str | None, int] = {}
        for row, text in enumerate(column.texts):
            first.setdefault(text, row)
            if len(first) > GOLDEN:
                break
        yield from first.values()
        return
    numbers = column.numbers()
    missing = np.isnan(numbers)
    if not missing.all():
        yield int(np.nanargmin(numbers))
        yield int(np.nanargmax(numbers))
    if missing.any():
        yield int(np.argmax(missing))


__all__ = ["GOLDEN", "evenly", "golden_rows"]
