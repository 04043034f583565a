"""Tables as files for other programs: CSV, and Parquet where pyarrow is installed."""

from __future__ import annotations

import csv
import importlib
import io
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from sealift.cli.faults import refusal
from sealift.errors import MachineError
from sealift.record.command import text
from sealift.train.listing import Row
from sealift.types import Scalar

STANDARD = Path("-")
"""Where a file is meant: standard output."""

Parquet: TypeAlias = Annotated[
    Path | None,
    typer.Option("--parquet", help="The same as Parquet; needs pyarrow: sealift[parquet]."),
]


def write(rows: Sequence[Row], to: Path, *, parquet: bool, heads: Sequence[str] = ()) -> None:
    """A table with a column for everything that any row has; - is standard output.

    ``heads`` are columns that are there in any case. Raises ``MachineError`` where pyarrow is
    wanted and is not there, ``UsageError`` where the file cannot be written.
    """
    names = list(dict.fromkeys([*heads, *(name for row in rows for name in row)]))
    content = _parquet(rows, names) if parquet else _csv(rows, names).encode()
    if to == STANDARD:
        sys.stdout.buffer.write(content)
        return
    try:
        to.write_bytes(content)
    except OSError as error:
        raise refusal(error) from error


def _csv(rows: Iterable[Row], names: Sequence[str]) -> str:
    table = io.StringIO()
    writer = csv.DictWriter(table, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return table.getvalue()


def _parquet(rows: Sequence[Row], names: Sequence[str]) -> bytes:
    try:
        arrow, files = map(importlib.import_module, ("pyarrow", "pyarrow.parquet"))
    except ImportError as error:
        raise MachineError(
            "Parquet is written by pyarrow, which is not installed.",
            remedy="Run `pip install 'sealift[parquet]'`, or use --csv.",
        ) from error
    columns: dict[str, Any] = {
        name: arrow.array(alike([row.get(name) for row in rows])) for name in names
    }
    made = io.BytesIO()
    files.write_table(arrow.table(columns), made)
    return made.getvalue()


def alike(values: Sequence[Scalar | None]) -> list[Scalar | None]:
    """A column whose values are of one kind: all as they are, all as floats, or all as texts.

    >>> alike([1, None, 0.5]), alike([True, "x"]), alike([True, False])
    ([1.0, None, 0.5], ['true', 'x'], [True, False])
    """
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) <= 1:
        return list(values)
    if kinds == {int, float}:
        return [None if value is None else float(value) for value in values]
    return [None if value is None else text(value) for value in values]


__all__ = ["STANDARD", "Parquet", "write"]
