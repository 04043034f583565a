"""What a check found, and the report that a release demands."""

from __future__ import annotations

from typing import Literal

import msgspec

from sealift.types import Digest

SPARED = "does not apply: "
"""What the detail of a check that had nothing to look at begins with."""

Severity = Literal["info", "warning", "error"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a check or the doctor noticed: what, where, and what to do about it."""

    severity: Severity
    message: str
    place: str = ""
    remedy: str = ""


class CheckResult(msgspec.Struct, frozen=True, kw_only=True):
    """One check: what it shows, and what it found. It passed when no finding is an error."""

    name: str
    shows: str
    findings: tuple[Finding, ...]
    seconds: float
    detail: str = ""

    @property
    def passed(self) -> bool:
        """Whether no finding is an error."""
        return all(finding.severity != "error" for finding in self.findings)

    @property
    def applied(self) -> bool:
        """Whether there was something to look at."""
        return not self.detail.startswith(SPARED)


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All checks of one image, tied to its digest."""

    subject: Digest
    project: str
    model: int | None
    started: float
    finished: float
    engine: str
    results: tuple[CheckResult, ...]

    @property
    def passed(self) -> bool:
        """Whether every check passed, and there was at least one."""
        return bool(self.results) and all(result.passed for result in self.results)
