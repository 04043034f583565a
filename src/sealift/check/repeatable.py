"""The same request gets the same answer."""

from __future__ import annotations

from collections.abc import Iterator

from sealift.check.answer import Answer
from sealift.check.bodies import good_rows, rows_body
from sealift.check.check import Check, error
from sealift.check.golden import alike
from sealift.check.target import Target
from sealift.check.valid_request import refused, shown
from sealift.record.report import Finding

TIMES = 4
SIZES = 3
"""Requests that are repeated: of one row, of two and of three."""


def findings(target: Target) -> Iterator[Finding]:
    """Repeat requests one after another."""
    for number in range(SIZES):
        first, *rest = (ask(target, number) for _ in range(TIMES))
        if first.status != 200:
            yield refused(first)
            return
        for answer in rest:
            yield from repeats(first, answer)


def ask(target: Target, number: int) -> Answer:
    """The answer to the request with this number; the same number is the same request."""
    rows = good_rows(target.subject, number + 1)
    return target.post("/predict", rows_body(rows, f"repeated-{number}"))


def repeats(first: Answer, later: Answer) -> Iterator[Finding]:
    """The later answer is the first one."""
    if later.status != first.status:
        yield error(
            f"The same request, asked again, was answered with {later.status}.", place="/predict"
        )
        return
    one, other = first.object(), later.object()
    mine, theirs = one.pop("predictions", None), other.pop("predictions", None)
    if one != other or not alike(theirs, mine, 0.0):
        yield error(
            "The same request, asked again, got another answer.",
            place=f"{shown(first)} / {later.text}",
        )


CHECK = Check(
    name="repeatable",
    shows="The same request gets the same answer, however often it is asked.",
    findings=findings,
)

__all__ = ["CHECK"]
