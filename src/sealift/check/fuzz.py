"""Requests that nobody thought of: whatever they hold, the server answers and blames the client."""

from __future__ import annotations

import random
from collections.abc import Iterator

from sealift import clock
from sealift.check.answer import Answer
from sealift.check.bodies import good_rows, rows_body
from sealift.check.check import Check, error, info, warning
from sealift.check.target import Target
from sealift.check.valid_request import refused, shown
from sealift.errors import CheckError
from sealift.record.report import Finding
from sealift.types import Json

SEED = 20_240_501
"""The same requests every time, on every machine."""

COUNT = 1000
"""Requests that are sent."""

SECONDS = 30.0
"""Time after which no more are sent, which is told; a machine needs half a millisecond for one."""

SHOWN = 3
ODD: tuple[Json, ...] = (
    None, True, False, 0, -1, 1, 0.5, -0.0, 1e308, -1e308, 5e-324, 2**31, -(2**63), 2**63, 10**40,
    "", " ", "0", "nan", "null", "x" * 5000, "a\0b", "\u202e\U0001f4a5", "'; --", "%s{}\\",
    [], {}, [1], [[]], {"a": 1}, [None] * 100, {"x" * 300: [{}]},
)  # fmt: skip


def findings(target: Target, seconds: float = SECONDS) -> Iterator[Finding]:
    """Change good rows at random so many times, then ask for a good one."""
    dice = random.Random(SEED)  # noqa: S311  a seeded sequence, nothing secret
    rows = good_rows(target.subject, 8)
    begun, count, statuses = clock.monotonic(), 0, {200: 0, 400: 0}
    wrong: list[Finding] = []
    while count < COUNT and clock.monotonic() - begun < seconds and len(wrong) < SHOWN:
        count += 1
        body = changed(dict(rows_body([dict(one) for one in rows[: dice.randint(1, 3)]])), dice)
        try:
            answer = target.post("/predict", body)
        except CheckError as lost:
            wrong.append(error(lost.what, place=repr(body)[:300]))
            continue
        if answer.status in statuses and told(answer):
            statuses[answer.status] += 1
        else:
            wrong.append(
                error(
                    f"It was answered with {answer.status}, not 200, or 400 and a reason.",
                    place=f"{shown(answer)} to {repr(body)[:300]}",
                    remedy="Check every value before it reaches the model.",
                )
            )
    yield from wrong
    if count < COUNT and len(wrong) < SHOWN:
        yield warning(
            f"Only {count} of {COUNT} requests were sent: {seconds:g} s were over.",
            remedy="Check it again on a machine that is less busy.",
        )
    last = target.post("/predict", rows_body(rows[:1]))
    if last.status != 200:
        yield refused(last)
    yield info(f"{count} requests, {statuses[200]} answered, {statuses[400]} refused")


def told(answer: Answer) -> bool:
    """Whether a refusal says why; every other answer does."""
    return answer.status == 200 or isinstance(answer.object().get("error"), str)


def changed(body: dict[str, Json], dice: random.Random) -> dict[str, Json]:
    """A body with one to three changes: odd values, members that are missing or unknown."""
    for _ in range(dice.randint(1, 3)):
        rows = body.get("rows")
        row = dice.choice(rows) if isinstance(rows, list) and rows else None
        if dice.random() < 0.1 or not isinstance(row, dict) or not row:
            body[dice.choice(("rows", "id", "x"))] = dice.choice(ODD)
            continue
        name = dice.choice(sorted(row))
        match dice.randrange(8):
            case 0:
                del row[name]
            case 1:
                row[f"{name}?"] = dice.choice(ODD)
            case _:
                row[name] = dice.choice(ODD)
    return body


CHECK = Check(
    name="fuzz",
    shows="Requests changed at random, the same each time, are answered or refused with a reason.",
    findings=findings,
)

__all__ = ["CHECK"]
