"""Rows that break a contract, one way at a time, each with the field that is at fault."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from sealift.check.bodies import Row
from sealift.record.contract import Contract, Field, FieldType
from sealift.types import Json

STRANGER = "a_field_that_is_not_in_the_contract"
WRONG_TYPES: dict[FieldType, tuple[Json, ...]] = {
    "float": ("not a number", True, [1.5], {"value": 1.5}),
    "int": ("not a number", 1.5, True, [1], {"value": 1}),
    "bool": ("not a truth value", 2, [True], {"value": True}),
    "string": (7, True, ["text"], {"value": "text"}),
}
LIMITS: dict[str, float] = {
    "INT8": 2**7,
    "INT16": 2**15,
    "INT32": 2**31,
    "INT64": 2**63,
    "FP16": 65520.0,
    "FP32": 3.5e38,
}
"""The smallest number that a datatype cannot hold."""


@dataclass(frozen=True)
class Violation:
    """A row that must be refused: the field at fault, and what is wrong in a few words."""

    field: str
    fault: str
    row: dict[str, Json]


def violations(contract: Contract, row: Row) -> Iterator[Violation]:
    """Every way in which each field of a good row can break the contract.

    ``row`` fits the contract. A nullable field may be left out, so its absence is no fault.
    """
    for field in contract.fields:
        if not field.nullable:
            rest = {name: value for name, value in row.items() if name != field.name}
            yield Violation(field.name, "missing", dict(rest))
        for fault, value in wrong(field):
            yield Violation(field.name, fault, {**row, field.name: value})
    yield Violation(STRANGER, "not in the contract", {**row, STRANGER: 1})


def wrong(field: Field) -> Iterator[tuple[str, Json]]:
    """Values that a field must refuse, with what is wrong about them."""
    for value in WRONG_TYPES[field.type]:
        yield f"{kind(value)} instead of {field.type}", value
    if not field.nullable:
        yield "null", None
    if field.type in ("int", "float"):
        yield from out_of_range(field)
    if field.closed and field.categories is not None:
        yield "an unknown category", "".join(field.categories) + "?"
    if field.max_length is not None:
        yield "too long a text", "x" * (field.max_length + 1)


def out_of_range(field: Field) -> Iterator[tuple[str, Json]]:
    """Numbers just and far outside the legal range, and outside that of the datatype."""
    for bound, sign, words in ((field.minimum, -1, "below"), (field.maximum, 1, "above")):
        if bound is not None:
            for value in beyond(field, bound, sign):
                yield f"a number {words} the legal ones", value
    limit = LIMITS.get(field.dtype)
    if limit is not None:
        yield (
            f"a number too large for {field.dtype}",
            limit if field.type == "float" else int(limit),
        )


def beyond(field: Field, bound: float, sign: int) -> Iterator[float]:
    """Numbers of the field's type just and far beyond a bound, in a direction.

    >>> list(beyond(Field(name="x", type="int", tensor="x", dtype="INT64"), 12.5, 1))
    [13, 1000012]
    >>> list(beyond(Field(name="x", type="float", tensor="x", dtype="FP32"), 100.0, -1))
    [99.0, -99999900.0]
    """
    if field.type == "int":
        yield int(bound) + sign
        yield int(bound) + sign * 10**6
        return
    for step in (0.01, 1e6):
        value = bound + sign * step * max(1.0, abs(bound))
        if math.isfinite(value):
            yield value


def kind(value: Json) -> str:
    """The JSON type of a value, in words.

    >>> kind(True), kind(1.5), kind({})
    ('a truth value', 'a number', 'an object')
    """
    words: dict[type, str] = {
        bool: "a truth value",
        int: "a number",
        float: "a number",
        str: "a text",
        list: "a list",
        dict: "an object",
    }
    return words.get(type(value), "null")


__all__ = ["STRANGER", "Violation", "violations"]
