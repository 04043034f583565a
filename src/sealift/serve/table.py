"""The table that a model was trained on: CSV with a header line; an empty cell is no value."""

from __future__ import annotations

import csv
import math
import re
import sys
from array import array
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sealift.errors import DataError
from sealift.record.contract import FieldType
from sealift.serve.tensors import Value

TRUTH = {"true": True, "false": False, "1": True, "0": False}
WORDS = frozenset({"true", "false"})


class Column:
    """The cells of one column as values of a type, packed where they are numbers.

    ``worded`` says that every value of a column of numbers was spelled true or false.
    """

    def __init__(self, name: str, kind: FieldType) -> None:
        self.name = name
        self.kind = kind
        self.worded = True
        self.nulls = 0
        self._texts: list[str | None] = []
        self._numbers: array[Any] = array("q" if kind == "int" else "d")
        self.add: Callable[[str], None] = {
            "string": self._add_text,
            "int": self._add_whole,
            "bool": self._add_truth,
            "float": self._add_number,
        }[kind]

    def __len__(self) -> int:
        return len(self._texts) if self.kind == "string" else len(self._numbers)

    def value(self, row: int) -> Value:
        """One cell, as a client would send it."""
        if self.kind == "string":
            return self._texts[row]
        number: float | int = self._numbers[row]
        if math.isnan(number):
            return None
        if self.kind == "bool" or (self.worded and self.kind == "float"):
            return bool(number)
        return number

    @property
    def texts(self) -> list[str | None]:
        """All cells of a column of texts."""
        return self._texts

    def numbers(self) -> npt.NDArray[np.float64]:
        """All cells of any other column; NaN is no value."""
        return np.array(self._numbers, np.float64)

    def whole(self) -> tuple[int, int]:
        """The smallest and the largest of a column of whole numbers, exactly."""
        return min(self._numbers), max(self._numbers)

    def _add_text(self, cell: str) -> None:
        self.nulls += not cell
        self._texts.append(sys.intern(cell) if cell else None)

    def _add_number(self, cell: str) -> None:
        if not cell:
            self.nulls += 1
            self._numbers.append(math.nan)
            return
        truth = cell.lower() if len(cell) < 6 else ""
        if truth in WORDS:
            self._numbers.append(float(TRUTH[truth]))
            return
        value = float(cell)
        if math.isinf(value):
            raise ValueError
        self.nulls += math.isnan(value)
        self.worded = self.worded and math.isnan(value)
        self._numbers.append(value)

    def _add_whole(self, cell: str) -> None:
        value = int(cell) if "." not in cell else float(cell)
        if value != int(value):
            raise ValueError
        self._numbers.append(int(value))

    def _add_truth(self, cell: str) -> None:
        self._numbers.append(float(TRUTH[cell.lower()]))


UNFIT = re.compile(r'["\\\x00-\x1f]')
"""What the name of a field cannot hold: requests are decoded by names as they stand in JSON."""


def header(path: Path) -> list[str]:
    """The names of the columns. Raises ``DataError``."""
    names = next(_lines(path), None)
    if not names:
        raise DataError("The table is empty.", where=path.name, remedy="Write a header line first.")
    if len(names) == 1 and (mark := next((one for one in ";\t|" if one in names[0]), None)):
        raise DataError(
            f"The cells of the table stand between {mark!r}, not between commas.",
            where=path.name,
            remedy="Write it as CSV with commas, and points in numbers.",
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(
            f"Two columns are called {twice[0]!r}.", where=path.name, remedy="Rename one."
        )
    if unfit := [name for name in names if UNFIT.search(name)]:
        raise DataError(
            f"A column is called {unfit[0]!r}, which no request could name.",
            where=path.name,
            remedy="Rename it: without quotation marks, backslashes and control characters.",
        )
    return names


def datatypes(path: Path) -> dict[str, str]:
    """The narrowest datatype of each column that holds all of its cells: BOOL for true and false,
    INT64, FP64 for other numbers and where cells are empty, BYTES for texts. Raises ``DataError``.
    """
    lines = _lines(path)
    names = next(lines, [])
    possible = [list(_FITS) for _ in names]
    for cells in lines:
        for left, cell in zip(possible, cells, strict=False):
            left[:] = [one for one in left if _FITS[one](cell)]
    return {name: left[0] if left else "BYTES" for name, left in zip(names, possible, strict=True)}


def _is_whole(cell: str) -> bool:
    return cell.lstrip("+-").isdecimal() and abs(int(cell)) < 1 << 53


def _is_number(cell: str) -> bool:
    try:
        return not cell or cell.lower() in WORDS or not math.isinf(float(cell))
    except ValueError:
        return False


_FITS: dict[str, Callable[[str], bool]] = {
    "BOOL": lambda cell: cell.lower() in WORDS,
    "INT64": _is_whole,
    "FP64": _is_number,
}


def columns(path: Path, kinds: Mapping[str, FieldType]) -> dict[str, Column]:
    """The named columns, read in one pass.

    Raises ``DataError`` for a cell that is not of its column's type, with its line.
    """
    lines = _lines(path)
    names = next(lines)
    wanted = [(names.index(name), Column(name, kind)) for name, kind in kinds.items()]
    for number, cells in enumerate(lines, start=2):
        if not cells:
            continue
        if len(cells) != len(names):
            raise DataError(
                f"Row {number} has {len(cells)} cells, but the header has {len(names)}.",
                where=path.name,
                remedy="Mend the row; a text with a comma stands in double quotes.",
            )
        for place, column in wanted:
            _add(column, cells[place], path, number)
    if not wanted or not len(wanted[0][1]):
        raise DataError(
            "The table has no rows.",
            where=path.name,
            remedy="Write the rows that the model was trained on.",
        )
    return {column.name: column for _, column in wanted}


def _add(column: Column, cell: str, path: Path, number: int) -> None:
    try:
        column.add(cell)
    except (ValueError, KeyError, OverflowError) as error:
        wanted = {"int": "a whole number", "bool": "true or false"}.get(column.kind, "a number")
        found = "an empty cell" if not cell else f"{cell[:80]!r}"
        raise DataError(
            f"Row {number} of column {column.name!r} must be {wanted}, not {found}.",
            where=path.name,
            remedy="Clean the table, put the column in [model] ignore, or change the type of the "
            "model's input (only inputs of floats and of texts have a value for an empty cell).",
        ) from error


def _lines(path: Path) -> Iterator[list[str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            yield from csv.reader(stream, strict=True)
    except OSError as error:
        raise DataError(f"The table cannot be read: {error.strerror}.", where=str(path)) from error
    except UnicodeDecodeError as error:
        raise DataError(
            "The table is not text in UTF-8.",
            where=path.name,
            remedy="Write it as plain CSV in UTF-8, not compressed and in no other format.",
        ) from error
    except csv.Error as error:
        raise DataError(
            f"The table is not CSV: {error}.",
            where=path.name,
            remedy="Write it with a CSV writer; texts with commas, quotes or breaks are quoted.",
        ) from error


__all__ = ["Column", "columns", "datatypes", "header"]
