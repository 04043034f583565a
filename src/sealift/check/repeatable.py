"""The same request gets the same answer, alone and among others."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from sealift.check.answer import Answer
from sealift.check.bodies import good_rows, rows_body
from sealift.check.check import Check, error
from sealift.check.golden import alike
from sealift.check.target import Target
from sealift.check.valid_request import refused, shown
from sealift.record.report import Finding

TIMES = 4
TOGETHER = 16


def findings(target: Target) -> Iterator[Finding]:
    """Repeat a request one after another, and many at once (where they may share a batch)."""
    first, *rest = (ask(target, 0) for _ in range(TIMES))
    if first.status != 200:
        yield refused(first)
        return
    for answer in rest:
        yield from repeats(first, answer, 0.0, "asked again")
    alone = [ask(target, number) for number in range(TOGETHER)]
    with ThreadPoolExecutor(TOGETHER) as pool:
        crowd = list(pool.map(lambda number: ask(target, number), range(TOGETHER)))
    for one, among in zip(alone, crowd, strict=True):
        yield from repeats(
            one, among, target.subject.golden.tolerance, f"asked among {TOGETHER} at once"
        )


def ask(target: Target, number: int) -> Answer:
    """The answer to the request with this number; the same number is the same request."""
    rows = good_rows(target.subject, number % 8 + 1)
    return target.post("/predict", rows_body(rows[-2:], f"repeated-{number}"))


def repeats(first: Answer, later: Answer, tolerance: float, when: str) -> Iterator[Finding]:
    """The later answer is the first one; predictions up to the tolerance."""
    if later.status != first.status:
        yield error(
            f"The same request, {when}, was answered with {later.status}.", place="/predict"
        )
        return
    one, other = first.object(), later.object()
    mine, theirs = one.pop("predictions", None), other.pop("predictions", None)
    if one != other or not alike(theirs, mine, tolerance):
        yield error(
            f"The same request, {when}, got another answer.", place=f"{shown(first)} / {later.text}"
        )


CHECK = Check(
    name="repeatable",
    shows="The same request gets the same answer, alone and among others.",
    findings=findings,
)

__all__ = ["CHECK"]
