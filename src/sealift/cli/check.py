"""The command that lets an image prove itself: check."""

from __future__ import annotations

from sealift import journey
from sealift.cli.options import HERE, Json, Version, Where, workplace
from sealift.cli.output import Page, Work
from sealift.digest import short
from sealift.record.report import CheckResult, Report


def check(where: Where = HERE, model: Version = None, json: Json = False) -> None:
    """Start the image, run every check, and sign the report."""
    wired, page = workplace(where), Page(as_json=json)
    with Work(told=True) as talk:
        report = journey.check(wired, model, progress=talk)
    page.value(report)
    show_report(page, report)
    journey.passed(report)
    page.line(f"next: sealift release --model {report.model}", "info")


def show_report(page: Page, report: Report) -> None:
    """A report for a person."""
    page.table(
        ("check", "result", "seconds", "shows"),
        [(one.name, verdict(one), f"{one.seconds:.2f}", one.shows) for one in report.results],
    )
    for result in report.results:
        if not result.applied:
            page.line(f"{result.name}: {result.detail}", "info")
        for finding in result.findings:
            place = f" ({finding.place})" if finding.place else ""
            page.line(f"{result.name}: {finding.message}{place}", finding.severity)
            if finding.remedy:
                page.line(f"  next: {finding.remedy}", "info")
    page.line(
        f"{sum(one.passed for one in report.results)} of {len(report.results)} checks passed; "
        f"the report is signed and kept beside image {short(report.subject)}",
        "good" if report.passed else "error",
    )


def verdict(one: CheckResult) -> str:
    """How a check ended, in a word."""
    if not one.passed:
        return "FAIL"
    return "pass" if one.applied else "-"


__all__ = ["check", "show_report"]
