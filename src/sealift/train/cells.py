"""The cells of a matrix: one combination of values of a step's parameters each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from urllib.parse import quote

from sealift.record.command import text
from sealift.types import Scalar

Cell = dict[str, Scalar]
"""Values by parameter, in the order of the matrix; empty for a step without one."""


def cells(matrix: Mapping[str, Sequence[Scalar]]) -> Iterator[Cell]:
    """Every combination, the last parameter changing fastest; one empty cell without a matrix.

    >>> list(cells({"depth": [4, 6], "fast": [True]}))
    [{'depth': 4, 'fast': True}, {'depth': 6, 'fast': True}]
    """
    for values in product(*matrix.values()):
        yield dict(zip(matrix, values, strict=True))


def named(step: str, cell: Cell) -> str:
    """The name of a step in a cell.

    >>> named("train", {"depth": 4, "rate": 0.1}), named("report", {})
    ('train[depth=4,rate=0.1]', 'report')
    """
    return f"{step}[{label(cell)}]" if cell else step


def label(cell: Cell) -> str:
    """A cell in one word that may be the name of a file; no two cells have the same.

    >>> label({"path": "a/b", "n": 1})
    'path=a%2Fb,n=1'
    """
    return ",".join(f"{name}={quote(text(value), safe=' +@~')}" for name, value in cell.items())


__all__ = ["Cell", "cells", "label", "named"]
