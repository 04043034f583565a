"""Requests for a model, made from its contract; pure functions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from typing import TypeAlias

from sealift.check.subject import Subject
from sealift.record.contract import Contract, Field
from sealift.types import Json

Value: TypeAlias = "float | int | bool | str | None"
Row: TypeAlias = dict[str, Value]


def rows_body(rows: Sequence[Row], identifier: str = "") -> dict[str, Json]:
    """The body of ``POST /predict``."""
    body: dict[str, Json] = {"rows": [dict(row) for row in rows]}
    return {"id": identifier, **body} if identifier else body


def tensors_body(contract: Contract, rows: Sequence[Row], identifier: str = "") -> dict[str, Json]:
    """The body of an Open Inference Protocol request; no row may hold a null."""
    body: dict[str, Json] = {"inputs": [*inputs(contract, rows)]}
    return {"id": identifier, **body} if identifier else body


def inputs(contract: Contract, rows: Sequence[Row]) -> list[dict[str, Json]]:
    """The input tensors of such a request, each of as many dimensions as its server expects."""
    flat = {one.name for one in contract.inputs if len(one.shape) == 1}
    made: list[dict[str, Json]] = []
    for name, dtype, fields in tensors(contract):
        data: list[Json] = [element(row[field.name], dtype) for row in rows for field in fields]
        shape: list[Json] = [len(rows)] if name in flat else [len(rows), len(fields)]
        made.append({"name": name, "shape": shape, "datatype": dtype, "data": data})
    return made


def tensors(contract: Contract) -> list[tuple[str, str, list[Field]]]:
    """The model's own inputs: name, datatype, and the fields that are its columns, in order."""
    order = list(dict.fromkeys(field.tensor for field in contract.fields))
    fields = sorted(contract.fields, key=lambda field: (order.index(field.tensor), field.column))
    return [
        (name, members[0].dtype, members)
        for name, members in (
            (name, list(group)) for name, group in groupby(fields, key=lambda field: field.tensor)
        )
    ]


def element(value: Value, dtype: str) -> Value:
    """A field's value as an element of a tensor of this datatype.

    >>> element(True, "FP32"), element(3, "FP32"), element(3, "INT64")
    (1.0, 3.0, 3)
    """
    if dtype.startswith("FP") and isinstance(value, int):
        return float(value)
    if "INT" in dtype and isinstance(value, bool):
        return int(value)
    return value


def good_rows(subject: Subject, count: int) -> list[Row]:
    """Rows that fit the contract and hold no null where that can be, golden ones first."""
    known = [dict(row) for row in subject.golden.rows]
    whole = [row for row in known if None not in row.values()]
    rows = whole or [*known, {field.name: typical(field) for field in subject.contract.fields}]
    return [rows[number % len(rows)] for number in range(count)]


def typical(field: Field) -> Value:
    """A legal value of a field.

    >>> typical(Field(name="x", type="int", minimum=2.5, tensor="x", dtype="INT64"))
    3
    """
    if field.type == "bool":
        return False
    if field.type == "string":
        return field.categories[0] if field.categories else ""
    bounds = [bound for bound in (field.minimum, field.low) if bound is not None]
    floor = max(bounds, default=0.0)
    ceiling = field.maximum if field.maximum is not None else math.inf
    value = min(floor, ceiling)
    return math.ceil(value) if field.type == "int" else value


__all__ = [
    "Row",
    "Value",
    "good_rows",
    "inputs",
    "rows_body",
    "tensors",
    "tensors_body",
    "typical",
]
