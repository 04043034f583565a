"""The cells of a matrix: one combination of values of a step's parameters each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Generic, TypeVar
from urllib.parse import quote

from sealift.record.command import text
from sealift.types import Scalar

T = TypeVar("T")
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


class Matching(Generic[T]):
    """What was made in each cell of a matrix, and which of it a cell of another one reads.

    Axes that both have are matched: of those, only what has the same values is read.
    """

    def __init__(self, made: Iterable[tuple[Cell, T]]) -> None:
        self._made = list(made)
        self._by: dict[tuple[str, ...], dict[tuple[str, ...], list[T]]] = {}

    def read_in(self, reader: Cell) -> Sequence[T]:
        """What the cell ``reader`` reads, in order; empty where no cell fits.

        >>> made = Matching([({"n": 1, "m": 1}, "a"), ({"n": 2, "m": 1}, "b")])
        >>> made.read_in({"n": 2}), made.read_in({}), made.read_in({"n": 3})
        (['b'], ['a', 'b'], [])
        """
        if not self._made:
            return ()
        shared = tuple(axis for axis in self._made[0][0] if axis in reader)
        if shared not in self._by:
            groups = self._by[shared] = {}
            for cell, one in self._made:
                groups.setdefault(_values(cell, shared), []).append(one)
        return self._by[shared].get(_values(reader, shared), [])


def within(writer: Cell, reader: Cell) -> bool:
    """Whether a cell that is read has no axis of its own: then it is the only one that fits."""
    return all(axis in reader for axis in writer)


def _values(cell: Cell, axes: Iterable[str]) -> tuple[str, ...]:
    return tuple(text(cell[axis]) for axis in axes)


__all__ = ["Cell", "Matching", "cells", "label", "named", "within"]
