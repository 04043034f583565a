"""A server of others that is told to end ends, best after answering what it has begun.

The router takes its requests away before a release ends it, so that a server without manners loses
none there; one that crashes or is stopped by hand does.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from sealift.check.bodies import tensors_body
from sealift.check.brought.asking import NO_ROWS, known_rows, path
from sealift.check.check import Check, info, warning
from sealift.check.drain import Request, ended, told
from sealift.check.target import Target
from sealift.record.report import Finding


def findings(target: Target) -> Iterator[Finding]:
    """Send SIGTERM while requests are half sent, where a request is known."""
    rows = known_rows(target, 1)
    if not rows:
        target.stop(grace=target.grace)
        yield info(f"ended; {NO_ROWS}")
        return
    body = msgspec.json.encode(tensors_body(target.subject.contract, rows))
    lost, took = ended(target, Request(path(target), body))
    for finding in told(target, lost, took):
        lives = finding.severity == "error" and "still runs" in finding.message
        yield finding if lives or finding.severity == "info" else lenient(finding)


def lenient(finding: Finding) -> Finding:
    """The same as a warning."""
    return warning(finding.message, place=finding.place, remedy=finding.remedy)


CHECK = Check(
    name="drain",
    shows="On SIGTERM it ends in time, and answers the requests under way.",
    findings=findings,
)

__all__ = ["CHECK"]
