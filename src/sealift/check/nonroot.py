"""The server has no more power than it needs: it is not root and cannot become it."""

from __future__ import annotations

from collections.abc import Iterator

from sealift.check.check import Check, error, info
from sealift.check.probe import look
from sealift.check.target import Target
from sealift.record.report import Finding

REMEDY = "Use an engine that starts containers without root (see `sealift doctor`)."


def findings(target: Target) -> Iterator[Finding]:
    """Look at user, groups, capabilities and the no-new-privileges bit from inside."""
    inside = look(target)
    if 0 in inside.uid:
        yield error("It runs as root.", place="user 0", remedy=REMEDY)
    if 0 in inside.gid or 0 in inside.groups:
        yield error("It runs in root's group.", place="group 0", remedy=REMEDY)
    for name, bits in inside.capabilities.items():
        if bits:
            yield error(f"It has capabilities: {name} is {bits:#x}.", remedy=REMEDY)
    if not inside.no_new_privileges:
        yield error(
            "A program with the set-user-id bit could give it new privileges.",
            place="NoNewPrivs 0",
            remedy=REMEDY,
        )
    yield info(f"user {inside.uid[0]}, no capabilities, no new privileges")


CHECK = Check(
    name="non-root",
    shows="It runs as an ordinary user without capabilities, and can gain none.",
    findings=findings,
    needs="image",
)

__all__ = ["CHECK"]
