"""A server that was killed comes up again and answers as before."""

from __future__ import annotations

from collections.abc import Iterator

from sealift import clock, loopback
from sealift.check import starts
from sealift.check.bodies import good_rows, rows_body
from sealift.check.check import Check, error
from sealift.check.golden import alike
from sealift.check.target import Target
from sealift.record.report import Finding

PATIENCE = 5.0
"""Seconds within which the port of a killed server has to be free."""


def findings(target: Target) -> Iterator[Finding]:
    """End it by SIGKILL, start it again in the same place, and ask it the same."""
    body = rows_body(good_rows(target.subject, 1), "killed")
    before = target.post("/predict", body)
    target.stop(grace=0)
    target.ready = False
    until = clock.monotonic() + PATIENCE
    while not loopback.is_free(target.port) and clock.monotonic() < until:
        clock.sleep(0.02)
    yield from starts.findings(target)
    if not target.ready:
        return
    after = target.post("/predict", body)
    same = after.status == before.status and alike(
        after.object().get("predictions"),
        before.object().get("predictions"),
        target.subject.golden.tolerance,
    )
    if not same:
        yield error(
            "After it was killed and started again, it answers otherwise.",
            place=f"{before.text} / {after.text}",
            remedy="Keep nothing outside the image that answers depend on.",
        )


CHECK = Check(
    name="killed",
    shows="After SIGKILL it starts again in the same place, and answers as before.",
    findings=findings,
)

__all__ = ["CHECK"]
