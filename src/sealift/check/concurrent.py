"""Requests that come at once are answered as they are one after another."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from sealift.check.answer import Answer
from sealift.check.bodies import Row, rows_body
from sealift.check.check import Check, error, info
from sealift.check.golden import alike, told
from sealift.check.mixture import mixed
from sealift.check.target import Target
from sealift.check.valid_request import refused, shown
from sealift.record.report import Finding

CLIENTS = 16
ROUNDS = 4
"""How often each request is sent among the others."""

MOST = 8
"""Rows of the largest request."""


def findings(target: Target) -> Iterator[Finding]:
    """Ask each request alone, then all of them at once, several times, in other orders."""
    requests = [mixed(target.subject, 1 + number % MOST, number) for number in range(CLIENTS)]
    alone = [ask(target, rows, number) for number, rows in enumerate(requests)]
    if bad := [one for one in alone if one.status != 200]:
        yield refused(bad[0])
        return
    order = [(7 * place + turn) % CLIENTS for turn in range(ROUNDS) for place in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as crowd:
        answers = list(crowd.map(lambda number: ask(target, requests[number], number), order))
    tolerance = target.subject.golden.tolerance
    found = [
        finding
        for number, answer in zip(order, answers, strict=True)
        for finding in differs(alone[number], answer, tolerance)
    ]
    yield from told(found)
    same = sum(one.body == alone[number].body for number, one in zip(order, answers, strict=True))
    rest = "" if same == len(answers) else f", the others within {tolerance:g}"
    yield info(f"{len(answers)} requests, {CLIENTS} at once: {same} byte for byte{rest}")


def ask(target: Target, rows: list[Row], number: int) -> Answer:
    """The answer to a request; the same number is the same request."""
    return target.post("/predict", rows_body(rows, f"crowd-{number}"))


def differs(alone: Answer, among: Answer, tolerance: float) -> Iterator[Finding]:
    """An error where the answer among others is not the one alone, up to the tolerance."""
    if among.body == alone.body and among.status == alone.status:
        return
    if among.status != alone.status:
        yield error(
            f"A request that was answered with {alone.status} alone got {among.status} among "
            f"{CLIENTS} at once.",
            place=shown(among),
        )
        return
    one, other = alone.object(), among.object()
    mine, theirs = one.pop("predictions", None), other.pop("predictions", None)
    if one != other or not alike(theirs, mine, tolerance):
        yield error(
            f"A request got another answer among {CLIENTS} at once than alone.",
            place=f"{shown(alone)} / {among.text}",
            remedy="The server mixes requests up, or its model keeps a state: it must do neither.",
        )


CHECK = Check(
    name="concurrent",
    shows="Requests that come at once get the answers that they get one after another.",
    findings=findings,
)

__all__ = ["CHECK"]
