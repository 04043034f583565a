"""From the inputs that a server describes and a table of examples to a contract and its rows.

A server of others refuses what it refuses: the contract says what was seen, not what is legal.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from sealift.check.bodies import Row, typical
from sealift.errors import DataError, ProjectError
from sealift.record.contract import Contract, Field, FieldType, Output
from sealift.record.from_image import FromImageSettings
from sealift.serve import table
from sealift.serve.choice import golden_rows
from sealift.serve.fields import CATEGORIES
from sealift.serve.table import Column

WIDEST = 1024
"""Columns of a matrix that are told apart where no table names them."""

EMPTY = Contract(task="other", target="", fields=(), outputs=(), prediction="")
"""What is known of a model before its server has been asked."""


class Examples(NamedTuple):
    """A contract as far as inputs go, rows that fit it, and what was noticed on the way."""

    contract: Contract
    rows: list[Row]
    doubts: list[str]


class Slot(NamedTuple):
    """A column of an input: the tensor and the position there, and the name of the field."""

    field: str
    tensor: Output
    position: int = 0


def from_metadata(inputs: Sequence[Output], settings: FromImageSettings) -> Examples:
    """A contract from what the server says alone, and one row of plain values to try it with."""
    doubts = ["No table of examples was given: ranges and categories are not known."]
    if not all(_is_table(one) and _width(one) is not None for one in inputs):
        odd = ", ".join(f"{one.name} {list(one.shape)}" for one in inputs if not _is_table(one))
        doubts.append(f"Its inputs are not columns of a table ({odd or 'of any width'}).")
        return Examples(_contract((), inputs, settings), [], doubts)
    fields = tuple(_plain(slot) for one in inputs for slot in _slots(one))
    return Examples(
        _contract(fields, inputs, settings), [{one.name: typical(one) for one in fields}], doubts
    )


def from_table(inputs: Sequence[Output], path: Path, settings: FromImageSettings) -> Examples:
    """A contract from what the server says and a CSV table shows, and rows of that table.

    Raises ``DataError`` for a table that cannot be read or does not fit, ``ProjectError`` for
    inputs that are no columns.
    """
    header = table.header(path)
    slots = _matched(inputs, header, path, settings)
    kinds = {slot.field: _kind(slot.tensor.dtype) for slot in slots}
    columns = table.columns(path, kinds)
    fields = tuple(_learnt(slot, columns[slot.field]) for slot in slots)
    ordered = [columns[slot.field] for slot in slots]
    whole = [
        number
        for number in range(len(ordered[0]))
        if all(column.value(number) is not None for column in ordered)
    ]
    if not whole:
        raise DataError(
            "Every row of the table lacks a value.",
            where=path.name,
            remedy="Tensors have no place for an empty cell: write rows that are whole.",
        )
    full = set(whole)
    chosen = golden_rows(ordered, len(ordered[0]), full.__contains__)
    rows = [{slot.field: _cell(columns[slot.field], number) for slot in slots} for number in chosen]
    doubts = []
    if len(whole) < len(ordered[0]):
        doubts.append(f"{len(ordered[0]) - len(whole)} rows with empty cells were left out.")
    unused = [one for one in header if one not in kinds and one not in settings.ignore]
    if unused:
        doubts.append(f"Columns that are no inputs were left out: {', '.join(unused)}.")
    return Examples(_contract(fields, inputs, settings), rows, doubts)


def _contract(
    fields: tuple[Field, ...], inputs: Sequence[Output], settings: FromImageSettings
) -> Contract:
    single = any(one.shape[:1] == (1,) for one in inputs)
    return replace(
        EMPTY,
        task=settings.task,
        fields=fields,
        prediction=settings.prediction,
        max_rows=1 if single else EMPTY.max_rows,
        inputs=tuple(inputs),
    )


def _is_table(tensor: Output) -> bool:
    """Whether it holds rows, or one row, of one column or several."""
    return len(tensor.shape) in (1, 2) and tensor.shape[0] in (-1, 1)


def _width(tensor: Output) -> int | None:
    """Its number of columns; None where it is open, or too large to be told apart."""
    if len(tensor.shape) == 1:
        return 1
    return tensor.shape[1] if 0 < tensor.shape[1] <= WIDEST else None


def _slots(tensor: Output) -> list[Slot]:
    """Its columns, by names of their own."""
    width = _width(tensor) or 0
    if width == 1:
        return [Slot(tensor.name, tensor)]
    return [Slot(f"{tensor.name}[{number}]", tensor, number) for number in range(width)]


def _matched(
    inputs: Sequence[Output], header: Sequence[str], path: Path, settings: FromImageSettings
) -> list[Slot]:
    for one in inputs:
        if not _is_table(one):
            raise ProjectError(
                f"The input {one.name!r} of shape {list(one.shape)} is not made of columns.",
                where=path.name,
                remedy="Bring the image in without --table, with fewer checks.",
            )
    named = [slot for one in inputs for slot in _slots(one)]
    if named and all(slot.field in header for slot in named):
        return named
    free = [name for name in header if name not in settings.ignore]
    if len(inputs) == 1 and len(inputs[0].shape) == 2:
        width = inputs[0].shape[1]
        if width in (-1, len(free)):
            return [Slot(name, inputs[0], number) for number, name in enumerate(free)]
        raise DataError(
            f"The input {inputs[0].name!r} has {width} columns, and the table has {len(free)}: "
            f"{', '.join(free)}.",
            where=path.name,
            remedy="Name those that are no inputs in [from_image] ignore.",
        )
    absent = [slot.field for slot in named if slot.field not in header]
    raise DataError(
        f"The table has no column for the input {absent[0]!r}; it has: {', '.join(header)}.",
        where=path.name,
        remedy="Name the columns like the inputs of the model.",
    )


def _kind(dtype: str) -> FieldType:
    if dtype == "BYTES":
        return "string"
    if dtype == "BOOL":
        return "bool"
    return "float" if dtype.startswith("FP") else "int"


def _plain(slot: Slot) -> Field:
    return Field(
        name=slot.field,
        type=_kind(slot.tensor.dtype),
        tensor=slot.tensor.name,
        dtype=slot.tensor.dtype,
        column=slot.position,
    )


def _learnt(slot: Slot, column: Column) -> Field:
    """The field of a column: what was seen in it."""
    low = high = None
    categories = None
    if column.kind == "int":
        low, high = column.whole()
    elif column.kind == "float":
        seen = [one for one in column.numbers().tolist() if not math.isnan(one)]
        low, high = (min(seen), max(seen)) if seen else (None, None)
    elif column.kind == "string":
        texts = sorted({text for text in column.texts if text is not None})
        categories = tuple(texts) if len(texts) <= CATEGORIES else None
    return Field(
        name=slot.field,
        type=column.kind,
        low=low,
        high=high,
        categories=categories,
        tensor=slot.tensor.name,
        dtype=slot.tensor.dtype,
        column=slot.position,
    )


def _cell(column: Column, number: int) -> float | int | bool | str | None:
    value = column.value(number)
    return float(value) if column.kind == "float" and value is not None else value


__all__ = ["EMPTY", "Examples", "from_metadata", "from_table"]
