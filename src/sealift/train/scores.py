"""Scores row by row: what a step wrote of the rows that a model was judged on."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path

from sealift.errors import DataError
from sealift.record.shape import nearest

ID = "id"
"""The column that says which row of the data a line is about."""


@dataclass(frozen=True)
class Scores:
    """A table by columns; ``where`` is what it is called in errors."""

    where: str
    columns: dict[str, list[str]]

    def texts(self, name: str) -> list[str]:
        """A column. Raises ``DataError`` where there is none."""
        if name not in self.columns:
            raise DataError(
                f"The scores have no column {name!r}.",
                where=self.where,
                remedy=nearest(name, self.columns, "Write it there."),
            )
        return self.columns[name]

    def numbers(self, name: str) -> list[float]:
        """A column of numbers. Raises ``DataError`` for anything that is no finite number."""
        found = []
        for line, text in enumerate(self.texts(name), start=2):
            try:
                value = float(text)
            except ValueError:
                value = math.nan
            if not math.isfinite(value):
                raise DataError(
                    f"{text[:40]!r} in column {name!r} is not a finite number.",
                    where=f"{self.where}: line {line}",
                    remedy="Write a number for each row, or leave the row out.",
                )
            found.append(value)
        return found


def read(path: Path, where: str) -> Scores:
    """The scores in a CSV file with a line of heads. Raises ``DataError`` for anything else."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            lines = csv.reader(file, strict=True)
            heads = next(lines, [])
            rows = list(lines)
    except (csv.Error, UnicodeDecodeError, IsADirectoryError) as error:
        raise _wrong(f"are not CSV: {error}", where) from error
    if not rows:
        raise _wrong("are empty", where)
    for number, row in enumerate(rows, start=2):
        if len(row) != len(heads):
            raise _wrong(
                f"have {len(row)} fields, and {len(heads)} heads", f"{where}: line {number}"
            )
    return Scores(where, dict(zip(heads, map(list, zip(*rows, strict=True)), strict=True)))


def _wrong(what: str, where: str) -> DataError:
    return DataError(
        f"The scores {what}.",
        where=where,
        remedy="Write a CSV file with a line of heads, and a line for each row.",
    )


__all__ = ["ID", "Scores", "read"]
