"""More than the server can do at once is turned away, not left to hang."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from sealift import clock
from sealift.check.answer import Answer
from sealift.check.bodies import good_rows, rows_body
from sealift.check.check import Check, error, info
from sealift.check.target import Target
from sealift.check.valid_request import shown
from sealift.errors import CheckError
from sealift.record.report import Finding
from sealift.types import Json

CROWD = 32
SHED = (429, 503)
"""The statuses by which a server may turn requests away."""


def findings(target: Target) -> Iterator[Finding]:
    """Send the largest batches, many at once; each is answered, with predictions or a refusal."""
    rows = good_rows(target.subject, target.subject.contract.max_rows)
    body = rows_body(rows)

    begun = clock.monotonic()
    answers = crowd(target, body)
    took = clock.monotonic() - begun
    lost = [one for one in answers if isinstance(one, CheckError)]
    told = [one for one in answers if isinstance(one, Answer)]
    if lost:
        yield error(
            f"{len(lost)} of {CROWD} requests at once got no answer.",
            place=lost[0].what,
            remedy="Turn away what cannot be answered in time, by 429 and Retry-After.",
        )
    for one in told:
        if one.status not in (200, *SHED):
            yield error(
                f"A request among {CROWD} was answered with {one.status}.",
                place=shown(one),
                remedy="Turn requests away by 429 or 503.",
            )
            break
    hasty = [one for one in told if one.status == 429 and "retry-after" not in one.headers]
    if hasty:
        yield error("A 429 lacks Retry-After.", place=shown(hasty[0]))
    if target.get(target.launch.ready).status != 200:
        yield error("After it, the server is not ready.", place=target.launch.ready)
    good = sum(one.status == 200 for one in told)
    yield info(
        f"{CROWD} batches of {len(rows)} rows at once: {good} answered, "
        f"{len(told) - good} turned away, all within {took:.2f} s"
    )


def crowd(target: Target, body: Json) -> list[Answer | CheckError]:
    """What becomes of many requests at once."""

    def ask(_: int) -> Answer | CheckError:
        try:
            return target.post("/predict", body)
        except CheckError as lost:
            return lost

    with ThreadPoolExecutor(CROWD) as pool:
        return list(pool.map(ask, range(CROWD)))


CHECK = Check(
    name="overload",
    shows="Under more than it can do at once, each request is answered or turned away in time.",
    findings=findings,
)

__all__ = ["CHECK", "CROWD", "SHED", "crowd"]
