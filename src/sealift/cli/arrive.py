"""The part of package that brings in images of others, which few ask for: it is slow to load."""

from __future__ import annotations

from pathlib import Path

from sealift.errors import UsageError
from sealift.intake.bring import bring
from sealift.ports import Progress
from sealift.record.image import Image
from sealift.wiring import Wired


def brought(wired: Wired, reference: str, table: Path | None, talk: Progress) -> Image:
    """An image of others, brought in. Raises ``UsageError`` for a table without one."""
    if not reference:
        raise UsageError("--table goes with --from-image.", remedy="Name the image to bring in.")
    return bring(wired, reference, table, comment="", progress=talk)[1]


__all__ = ["brought"]
