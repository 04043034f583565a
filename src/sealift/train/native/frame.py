"""Rows in the form that a model was trained on: a table with names, or an array."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence
from typing import Any

from .table import Row, Table

_NUMPY = {"int": "int64", "float": "float64", "bool": "bool"}


def framed(rows: Sequence[Row], columns: Sequence[str], table: Table, *, named: bool) -> Any:
    """The rows' columns as pandas has them, or as one array where the model knows no names."""
    if named and importlib.util.find_spec("pandas"):
        pandas = importlib.import_module("pandas")
        return pandas.DataFrame(
            {
                name: pandas.Series(
                    [row[name] for row in rows], dtype=_NUMPY.get(table.kinds[name])
                )
                for name in columns
            }
        )
    numpy = importlib.import_module("numpy")
    texts = any(table.kinds[name] == "string" for name in columns)
    cells = [[row[name] for name in columns] for row in rows]
    return numpy.array(cells, dtype=object if texts else "float64")


__all__ = ["framed"]
