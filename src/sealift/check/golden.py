"""The server gives the answers that the model gave when it was trained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import isfinite
from typing import TypeGuard

from sealift.check.answer import spelled
from sealift.check.bodies import Row, rows_body, tensors_body
from sealift.check.check import Check, error, info
from sealift.check.target import Target
from sealift.check.valid_request import by_name, flat, refused
from sealift.record.contract import Recorded
from sealift.record.report import Finding
from sealift.types import Json

SHOWN = 3
"""Differences told in full; the rest is counted."""


def findings(target: Target) -> Iterator[Finding]:
    """Send the golden rows in one batch and one by one, by names and by tensors."""
    golden = target.subject.golden
    if not golden.rows:
        yield error(
            "The image holds no golden vectors.",
            place="/model/golden.json",
            remedy="Train the model again with `sealift train`.",
        )
        return
    yield from told(list(differences(target)))
    yield info(f"{len(golden.rows)} rows within {golden.tolerance:g}, in a batch and one by one")


def differences(target: Target) -> Iterator[Finding]:
    """Every difference between the golden outputs and the server's."""
    rows = [dict(row) for row in target.subject.golden.rows]
    whole = [number for number, row in enumerate(rows) if None not in row.values()]
    yield from by_names(target, list(range(len(rows))))
    for number in range(len(rows)):
        yield from by_names(target, [number])
    if whole:
        yield from by_tensors(target, whole)
    for number in whole:
        yield from by_tensors(target, [number])


def by_names(target: Target, numbers: Sequence[int]) -> Iterator[Finding]:
    """``POST /predict`` of some golden rows gives their recorded predictions."""
    golden, contract = target.subject.golden, target.subject.contract
    answer = target.post("/predict", rows_body(chosen(target, numbers)))
    if answer.status != 200:
        yield refused(answer)
        return
    got = answer.object().get("predictions")
    expected = golden.outputs[contract.prediction]
    if contract.task == "classification":
        got = [spelled(one) for one in got] if isinstance(got, list) else got
        expected = [spelled(one) for one in expected]
    yield from compared(target, f"{contract.prediction} by name", numbers, got, expected)


def by_tensors(target: Target, numbers: Sequence[int]) -> Iterator[Finding]:
    """An inference request of some golden rows gives every recorded output."""
    subject = target.subject
    body = tensors_body(subject.contract, chosen(target, numbers))
    answer = target.post(f"/v2/models/{subject.model.name}/infer", body)
    if answer.status != 200:
        yield refused(answer)
        return
    outputs = by_name(answer.object())
    for name, expected in subject.golden.outputs.items():
        values = flat(outputs.get(name, {}).get("data"))
        width = max(1, len(values) // len(numbers))
        got: Json = [values[at : at + width] for at in range(0, len(values), width)]
        yield from compared(target, f"{name} by tensor", numbers, got, expected)


def chosen(target: Target, numbers: Sequence[int]) -> list[Row]:
    """The golden rows with these numbers."""
    return [dict(target.subject.golden.rows[number]) for number in numbers]


def compared(
    target: Target,
    what: str,
    numbers: Sequence[int],
    got: Json,
    expected: Sequence[Recorded],
) -> Iterator[Finding]:
    """An error for each row whose answer is not the recorded one."""
    batch = "alone" if len(numbers) == 1 else f"in a batch of {len(numbers)}"
    if not isinstance(got, list) or len(got) != len(numbers):
        yield error(f"{what}, {batch}: the answer does not hold {len(numbers)} rows.")
        return
    for number, value in zip(numbers, got, strict=True):
        recorded = expected[number]
        right: Json = [*recorded] if isinstance(recorded, list) else recorded
        if not alike(value, right, target.subject.golden.tolerance):
            yield error(
                f"{what}, {batch}: row {number} gave {value!r}, not {right!r}.",
                place=f"/model/golden.json, row {number}",
                remedy="The model does not run here as it did in training: compare the packages.",
            )


def alike(got: Json, expected: Json, tolerance: float) -> bool:
    """Whether an answer is the recorded one, up to ``tolerance * max(1, |expected|)``.

    >>> alike(1000.5, 1000, 1e-3), alike([0.25], 0.25, 0.0), alike("on time", "late", 0.5)
    (True, True, False)
    """
    one, other = flat(got), flat(expected)
    return len(one) == len(other) and all(
        close(a, b, tolerance) for a, b in zip(one, other, strict=True)
    )


def close(got: Json, expected: Json, tolerance: float) -> bool:
    """The same text or truth value, or numbers no further apart than the tolerance.

    >>> close(14.5, 10**400, 1e-5), close(10**400 + 1, 10**400, 1e-5), close(1e999, 1.0, 0.5)
    (False, True, False)
    """
    if is_number(got) and is_number(expected):
        if got == expected or not (finite(got) and finite(expected)):
            return got == expected
        # JSON's whole numbers may be too large for a float: fractions hold them all
        one, other = Fraction(got), Fraction(expected)
        return abs(one - other) <= Fraction(tolerance) * max(Fraction(1), abs(other))
    return type(got) is type(expected) and got == expected


def finite(value: float) -> bool:
    """Neither infinite nor NaN; a whole number is finite however large it is."""
    return isinstance(value, int) or isfinite(value)


def is_number(value: Json) -> TypeGuard[float]:
    """Whether a JSON value is a number (a truth value is none)."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def told(differences: list[Finding]) -> Iterator[Finding]:
    """The first few differences, and how many more there are."""
    yield from differences[:SHOWN]
    if len(differences) > SHOWN:
        yield error(f"{len(differences) - SHOWN} more answers differ.")


CHECK = Check(
    name="golden",
    shows="The golden vectors of the training come out again, in a batch and one by one.",
    findings=findings,
)

__all__ = ["CHECK", "alike", "by_tensors", "told"]
