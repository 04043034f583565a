"""The server's log is one JSON object a line, and tells of requests that were refused."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from sealift import clock
from sealift.check.check import Check, error, info
from sealift.check.target import Target
from sealift.record.reading import decode
from sealift.record.report import Finding

PATIENCE = 2.0
"""Seconds within which a line about a request has to be there."""

MEMBERS = ("at", "event")
REMEDY = "Write one JSON object a line to standard output, with the members at and event."


def findings(target: Target) -> Iterator[Finding]:
    """Have a request refused, then read every line."""
    identifier = f"check-{clock.token(8)}"
    target.request("POST", "/predict", b"{}", {"x-request-id": identifier})
    until = clock.monotonic() + PATIENCE
    while identifier not in target.log and clock.monotonic() < until:
        clock.sleep(0.02)
    if identifier not in target.log:
        yield error(
            "A request that was refused is not in the log.",
            place=identifier,
            remedy="Log every request that fails, with its id.",
        )
    lines = [line for line in target.whole_log.split("\n") if line]
    for number, line in enumerate(lines, start=1):
        wrong = odd(line)
        if wrong:
            yield error(f"Line {number} of the log {wrong}.", place=line[:120], remedy=REMEDY)
            return
    yield info(f"{len(lines)} lines")


def odd(line: str) -> str:
    """What is wrong with a line, or nothing."""
    try:
        value = decode(line.encode(), dict[str, msgspec.Raw])
    except ValueError:
        return "is no JSON object"
    lacking = [name for name in MEMBERS if name not in value]
    return f"lacks {' and '.join(lacking)}" if lacking else ""


CHECK = Check(
    name="logs",
    shows="Its log is one JSON object a line, and names each request that it refused.",
    findings=findings,
)

__all__ = ["CHECK"]
