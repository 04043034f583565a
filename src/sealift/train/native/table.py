"""The table that the model was trained on: the types of its columns, and rows of it."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Kind = Literal["int", "float", "bool", "string"]
Row = dict[str, Any]
WORDS = {"true": True, "false": False}


@dataclass(frozen=True)
class Table:
    """A CSV file; ``kinds`` are the types of its columns, ``rows`` their number."""

    path: Path
    kinds: dict[str, Kind]
    rows: int

    def sample(self, count: int) -> list[tuple[int, Row]]:
        """At most ``count`` rows, evenly spread, with their numbers; the first and last too."""
        last, steps = self.rows - 1, max(1, count - 1)
        wanted = {last * number // steps for number in range(count)}
        return [
            (number, self.typed(cells))
            for number, cells in enumerate(_records(self.path))
            if number in wanted
        ]

    def typed(self, cells: Mapping[str, Any]) -> Row:
        """A row with values of the columns' types; an empty number is NaN."""
        return {
            name: _VALUES[self.kinds[name]](cell)
            for name, cell in cells.items()
            if name in self.kinds
        }


def read(path: Path, without: Sequence[str]) -> Table:
    """The table at ``path``, but for some of its columns."""
    kinds: dict[str, Kind] = {}
    rows = 0
    for cells in _records(path):
        rows += 1
        for name, cell in cells.items():
            if name not in without and kinds.get(name) != "string":
                kinds[name] = _wider(kinds.get(name), cell)
    return Table(path, kinds, rows)


def _records(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        lines = csv.reader(stream)
        names = next(lines)
        for cells in lines:
            if cells:
                yield dict(zip(names, cells, strict=False))


def _wider(kind: Kind | None, cell: str) -> Kind:
    """The type of a column that had ``kind`` so far.

    >>> _wider("int", "2.5"), _wider("int", ""), _wider("bool", "x"), _wider(None, "true")
    ('float', 'float', 'string', 'bool')
    """
    found = _kind(cell)
    if kind in (None, found):
        return found
    return "float" if {kind, found} <= {"int", "float"} else "string"


def _kind(cell: str) -> Kind:
    if cell.lower() in WORDS:
        return "bool"
    try:
        number = float(cell) if cell else math.nan
    except ValueError:
        return "string"
    whole = cell.strip().lstrip("+-").isdigit() and abs(number) < 2**53
    return "int" if whole else "float"


def _number(cell: Any) -> float:
    return math.nan if cell in ("", None) else float(cell)


def _truth(cell: Any) -> bool:
    return WORDS[cell.lower()] if isinstance(cell, str) else bool(cell)


_VALUES: dict[Kind, Callable[[Any], Any]] = {
    "int": int,
    "float": _number,
    "bool": _truth,
    "string": lambda cell: "" if cell is None else str(cell),
}

__all__ = ["Kind", "Row", "Table", "read"]
