"""What one look of the doctor is: a name, a sentence on what it shows, and how it looks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sealift.doctor.patient import Patient
from sealift.errors import SealiftError
from sealift.record.report import Finding, Severity


@dataclass(frozen=True)
class Seen:
    """What a look saw, in a few words, and what is wrong with it, each with one remedy."""

    detail: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Check:
    """One look at the machine. ``look`` really tries what it tells of, and changes nothing."""

    name: str
    shows: str
    look: Callable[[Patient], Seen]


def trouble(error: SealiftError, severity: Severity, *, remedy: str = "") -> Finding:
    """A finding from an error; ``remedy`` where the error has none or there is a better one."""
    return Finding(
        severity=severity,
        message=error.what,
        place=error.where,
        remedy=remedy or error.remedy or "Ask whoever looks after this machine.",
    )


__all__ = ["Check", "Seen", "trouble"]
