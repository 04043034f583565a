"""What a check is: a name, a sentence on what it shows, and how it looks for faults."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from sealift.check.target import Target
from sealift.record.report import SPARED, Finding


@dataclass(frozen=True)
class Check:
    """One check of an image.

    ``findings`` yields what it notices; without an error among it the check has passed.
    ``needs`` says what must be there: only the image, or a server that is ready. ``limit`` is the
    time in seconds after which a check of the project's own is left behind, as a finding.
    """

    name: str
    shows: str
    findings: Callable[[Target], Iterable[Finding]]
    needs: Literal["image", "server"] = "server"
    limit: float = 120.0


def error(message: str, *, place: str = "", remedy: str = "") -> Finding:
    """A finding that fails the check."""
    return Finding(severity="error", message=message, place=place, remedy=remedy)


def warning(message: str, *, place: str = "", remedy: str = "") -> Finding:
    """A finding that does not fail the check."""
    return Finding(severity="warning", message=message, place=place, remedy=remedy)


def spared(why: str) -> Finding:
    """A finding that says why there is nothing to check."""
    return Finding(severity="info", message=f"{SPARED}{why}")


def info(message: str) -> Finding:
    """A finding that tells what was seen."""
    return Finding(severity="info", message=message)


__all__ = ["Check", "error", "info", "spared", "warning"]
