"""A report as lines for people."""

from __future__ import annotations

from collections.abc import Iterator

from sealift.record.report import Finding, Report


def rows(report: Report) -> Iterator[tuple[str, bool, float, str]]:
    """For each check its name, whether it passed, seconds, and what was seen or is wrong.

    What is wrong has a line for each finding.
    """
    for result in report.results:
        wrong = [sentence(one) for one in result.findings]
        yield result.name, result.passed, result.seconds, "\n".join(wrong) or result.detail


def sentence(finding: Finding) -> str:
    """A finding with its place and its remedy.

    >>> sentence(Finding(severity="error", message="It runs as root.", place="user 0"))
    'It runs as root. (user 0)'
    """
    place = f" ({finding.place})" if finding.place else ""
    remedy = f" {finding.remedy}" if finding.remedy else ""
    return f"{finding.message}{place}{remedy}"


__all__ = ["rows", "sentence"]
