"""The server cannot change the image that it runs from."""

from __future__ import annotations

from collections.abc import Iterator

from sealift.check.check import Check, error, info
from sealift.check.probe import look
from sealift.check.target import Target
from sealift.record.report import Finding


def findings(target: Target) -> Iterator[Finding]:
    """Try to write to the folders of the image, and to the one that is there for it."""
    inside = look(target)
    for place in inside.writable:
        yield error(
            "A folder of the image can be written.",
            place=place,
            remedy="Use an engine that mounts the root file system read-only.",
        )
    if "/model" not in inside.tried:
        yield error("The folder of the model is not there.", place="/model")
    if not inside.scratch:
        yield error("The folder for scratch files cannot be written.", place="/tmp")  # noqa: S108
    yield info(f"{len(inside.tried)} folders tried, none can be written")


CHECK = Check(
    name="read-only",
    shows="It runs on a read-only root: it cannot change its programs or its model.",
    findings=findings,
    needs="image",
)

__all__ = ["CHECK"]
