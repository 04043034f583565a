"""A server that is told to take little on turns the rest away, and serves what it took."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from sealift.check import starts
from sealift.check.answer import Answer
from sealift.check.bodies import good_rows, rows_body
from sealift.check.check import Check, error, info
from sealift.check.overload import CROWD, SHED, crowd
from sealift.check.target import Target
from sealift.check.valid_request import shown
from sealift.errors import CheckError
from sealift.record.report import Finding
from sealift.types import Json

WAVES = 10
"""How often the crowd comes at most, until one of it is turned away."""


def findings(target: Target) -> Iterator[Finding]:
    """Start it once more with room for one request, and send it many at once."""
    body = rows_body(good_rows(target.subject, target.subject.contract.max_rows))
    size = len(msgspec.json.encode(body))
    little = {
        "SEALIFT_WORKERS": "1",
        "SEALIFT_MAX_WAIT": "0",
        "SEALIFT_MAX_BODY": str(size),
        "SEALIFT_MAX_BODIES": str(size),
    }
    with target.beside(little) as narrow:
        for one in starts.findings(narrow):
            if one.severity != "info":
                yield one
        if narrow.ready:
            yield from judged(narrow, body)


def judged(narrow: Target, body: Json) -> Iterator[Finding]:
    """What becomes of crowds of requests, and how the server is after them."""
    taken, away = 0, 0
    for _ in range(WAVES):
        answers = crowd(narrow, body)
        lost = [one for one in answers if isinstance(one, CheckError)]
        if lost:
            yield error(f"{len(lost)} of {CROWD} requests got no answer.", place=lost[0].what)
        told = [one for one in answers if isinstance(one, Answer)]
        for one in told:
            if one.status not in (200, *SHED):
                yield error(f"A request was answered with {one.status}.", place=shown(one))
                return
        taken += sum(one.status == 200 for one in told)
        away += sum(one.status in SHED for one in told)
        if away or lost:
            break
    if not away:
        yield error(
            f"With room for one request, none of {taken} that came {CROWD} at once was turned "
            "away.",
            remedy="Heed SEALIFT_MAX_WAIT and SEALIFT_MAX_BODIES: turn away by 429.",
        )
    after = narrow.post("/predict", rows_body(good_rows(narrow.subject, 1)))
    if after.status != 200:
        yield error("After it, a good request is not answered.", place=shown(after))
    yield info(f"with room for one request: {taken} answered, {away} turned away")


CHECK = Check(
    name="sheds",
    shows="Told to take little on, it turns the rest away at once and serves what it took.",
    findings=findings,
)

__all__ = ["CHECK"]
