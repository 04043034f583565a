"""What the training data says about an input field, and what the user adds."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np

from sealift.errors import ProjectError
from sealift.record.contract import Field, FieldType
from sealift.record.profile import FieldProfile
from sealift.record.project import FieldRule
from sealift.serve.match import Match
from sealift.serve.refusal import nearest
from sealift.serve.table import Column
from sealift.serve.tensors import FLOATS, limits
from sealift.stats.sketch import profile_numbers, profile_texts

CATEGORIES = 1000
"""Most texts that a contract lists."""


def check_rules(rules: Mapping[str, FieldRule], matches: list[Match]) -> None:
    """Refuse rules for fields that are not inputs (``ProjectError``)."""
    names = [match.column for match in matches]
    for name in rules:
        if name not in names:
            raise ProjectError(
                f"There is no input {name!r}.{nearest(name, names)}",
                where=f"[model.fields.{name}]",
                remedy="Name an input of the model.",
            )


def learnt(match: Match, column: Column, rule: FieldRule) -> Field:
    """The contract of one field. Raises ``ProjectError`` for a rule that cannot be kept."""
    kind = column.kind
    if kind == "float" and column.worded and column.nulls < len(column):
        kind = "bool"
    nullable = bool(column.nulls) if rule.nullable is None else rule.nullable
    if nullable and match.tensor.datatype not in (*FLOATS, "BYTES"):
        raise _wrong(column, f"an input of {match.tensor.datatype} has no value for null")
    base = Field(
        name=column.name,
        type=kind,
        nullable=nullable,
        tensor=match.tensor.name,
        dtype=match.tensor.datatype,
        column=match.position,
    )
    if kind in ("float", "int"):
        return _number(base, column, rule)
    if rule.minimum is not None or rule.maximum is not None:
        raise _wrong(column, "minimum and maximum are for numbers")
    return _text(base, column, rule) if kind == "string" else base


def profile(column: Column) -> FieldProfile:
    """The reference profile of one column."""
    if column.kind == "string":
        return profile_texts(column.name, column.texts)
    return profile_numbers(column.name, column.numbers())


def _number(base: Field, column: Column, rule: FieldRule) -> Field:
    smallest, largest = limits(base.dtype)
    seen = _range(column, base.type)
    low = high = None
    if seen is not None:
        low, high = seen
        # a constant tells nothing of its spread, so its own size stands for that
        span = high - low or max(abs(high), 1)
        room = low - span if low < 0 else max(0, low - span)
        smallest, largest = max(smallest, room), min(largest, high + span)
    minimum = smallest if rule.minimum is None else rule.minimum
    maximum = largest if rule.maximum is None else rule.maximum
    if minimum > maximum:
        raise _wrong(column, f"its minimum {minimum:g} is above its maximum {maximum:g}")
    if low is not None and high is not None:
        low, high = max(low, minimum), min(high, maximum)
    return msgspec.structs.replace(base, minimum=minimum, maximum=maximum, low=low, high=high)


def _range(column: Column, kind: FieldType) -> tuple[float, float] | None:
    if kind == "int":
        return column.whole()
    numbers = column.numbers()
    present = numbers[~np.isnan(numbers)]
    return (float(present.min()), float(present.max())) if len(present) else None


def _text(base: Field, column: Column, rule: FieldRule) -> Field:
    seen = sorted({text for text in column.texts if text is not None})
    if rule.closed and not 0 < len(seen) <= CATEGORIES:
        raise _wrong(column, f"closed needs 1 to {CATEGORIES} categories, and it has {len(seen)}")
    longest = max(map(len, seen), default=0)
    return msgspec.structs.replace(
        base,
        categories=tuple(seen) if len(seen) <= CATEGORIES else None,
        closed=rule.closed,
        max_length=max(64, 4 * longest),
    )


def _wrong(column: Column, why: str) -> ProjectError:
    return ProjectError(
        f"The rule for {column.name!r} cannot be kept: {why}.",
        where=f"[model.fields.{column.name}]",
        remedy="Change the rule or the table.",
    )


__all__ = ["check_rules", "learnt", "profile"]
