"""What was checked and what came of it, whether of an image or of a server: one form for both."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal

import msgspec

from sealift.check.protocol.grade import Grade, Outcome, Verdict
from sealift.record.report import CheckResult, Finding, Report

Status = Literal["failed", "warned", "passed", "open", "spared"]
_OF: dict[Outcome, Status] = {"kept": "passed", "open": "open", "spared": "spared"}


_GROUPS = {
    "start": ("starts", "health", "endpoint"),
    "requests": ("valid-request", "schema", "invalid-json", "refusals", "contract", "fuzz"),
    "answers": ("golden", "repeatable", "batched", "concurrent"),
    "operation": ("metrics", "logs", "latency", "overload", "sheds", "power"),
    "container": ("non-root", "read-only", "no-network", "no-secrets", "size"),
    "supply chain": ("packages", "licences", "vulnerabilities", "lineage"),
    "end": ("killed", "drain"),
}
_GROUP_OF = {name: group for group, names in _GROUPS.items() for name in names}
OWN = "the project's own"


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was noticed; ``request`` and ``answer`` show it where a server was asked."""

    message: str
    place: str = ""
    remedy: str = ""
    request: str = ""
    answer: str = ""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One check or rule and what came of it; ``level`` says how much it matters."""

    name: str
    group: str
    level: str
    status: Status
    shows: str
    source: str = ""
    detail: str = ""
    seconds: float = 0.0
    notes: tuple[Note, ...] = ()


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """All of them; ``about`` says in pairs what was looked at."""

    title: str
    about: tuple[tuple[str, str], ...]
    started: float
    lines: tuple[Line, ...]

    def count(self, status: Status) -> int:
        """How many lines have a status."""
        return sum(one.status == status for one in self.lines)

    @property
    def verdict(self) -> str:
        """All of it in a sentence."""
        failed, warned = self.count("failed"), self.count("warned")
        judged = len(self.lines) - self.count("spared") - self.count("open")
        told = f"{failed} of {judged} failed" if failed else f"None of {judged} failed"
        return f"{told}, {warned} warned." if warned else f"{told}."

    def groups(self) -> dict[str, list[Line]]:
        """The lines by group, in order."""
        found: dict[str, list[Line]] = {}
        for one in self.lines:
            found.setdefault(one.group, []).append(one)
        return found


def of_grade(grade: Grade, *, strict: bool = False) -> Sheet:
    """The sheet of a graded server; ``strict`` takes what should be as what must be."""

    def status(verdict: Verdict) -> Status:
        if verdict.outcome != "broken":
            return _OF[verdict.outcome]
        return "failed" if strict or verdict.severity == "must" else "warned"

    return Sheet(
        title="Open Inference Protocol",
        about=(
            ("address", grade.address),
            ("server", grade.server),
            ("model", grade.model),
            ("requests", str(grade.requests)),
        ),
        started=grade.started,
        lines=tuple(
            Line(
                name=one.rule,
                group=one.topic,
                level=one.severity,
                status=status(one),
                shows=one.demands,
                source=one.passage,
                detail=one.detail,
                seconds=one.seconds,
                notes=tuple(
                    Note(message=seen.message, request=seen.request, answer=seen.answer)
                    for seen in one.shown
                ),
            )
            for one in grade.verdicts
        ),
    )


def of_report(report: Report, *, strict: bool = False) -> Sheet:
    """The sheet of a checked image; ``strict`` takes warnings as errors."""
    model = "" if report.model is None else str(report.model)
    return Sheet(
        title=f"Checks of {report.project}",
        about=(("image", report.subject), ("model", model), ("engine", report.engine)),
        started=report.started,
        lines=tuple(_checked(one, strict) for one in report.results),
    )


def _checked(one: CheckResult, strict: bool) -> Line:
    worst = {finding.severity for finding in one.findings}
    status: Status = "passed" if one.applied else "spared"
    if "warning" in worst:
        status = "failed" if strict else "warned"
    if "error" in worst:
        status = "failed"
    return Line(
        name=one.name,
        group=_GROUP_OF.get(one.name, OWN),
        level="error" if "error" in worst else "warning" if "warning" in worst else "",
        status=status,
        shows=one.shows,
        detail=one.detail,
        seconds=one.seconds,
        notes=tuple(_noted(finding) for finding in one.findings),
    )


def _noted(finding: Finding) -> Note:
    return Note(message=finding.message, place=finding.place, remedy=finding.remedy)


def told(note: Note) -> str:
    """A note as lines of text."""
    parts: Iterable[tuple[str, str]] = (
        ("", note.message),
        ("at: ", note.place),
        ("request: ", note.request),
        ("answer: ", note.answer),
        ("next: ", note.remedy),
    )
    return "\n".join(head + text for head, text in parts if text)


Writer = Callable[[Sheet], bytes]
__all__ = ["Line", "Note", "Sheet", "Status", "Writer", "of_grade", "of_report", "told"]
