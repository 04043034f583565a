"""What the watch stage found, for a person: what moved, how much, since when."""

from __future__ import annotations

from sealift.cli.output import Page, moment, number
from sealift.record.watch import Estimate, FieldDrift, VersionWatch, WatchReport

MOST_FIELDS = 8
"""Fields shown when more have drifted; all are in the JSON form."""


def show_watch(page: Page, report: WatchReport) -> None:
    """The headline, then versions, drift and what to do."""
    worst = report.flags[0].severity if report.flags else "good"
    page.line(report.headline, worst)
    page.table(VERSION_HEADS, [version_row(one) for one in report.versions])
    drifted = [one for one in report.fields if one.drifted]
    shown = (drifted or list(report.fields[:3]))[:MOST_FIELDS]
    if shown:
        about = f"inputs of model {report.serving} against its training data"
        more = len(drifted) - len(shown)
        page.line(f"{about}: {len(drifted)} of {len(report.fields)} drifted")
        page.table(DRIFT_HEADS, [drift_row(one) for one in shown])
        if more > 0:
            page.line(f"and {more} more; sealift watch --json has all", "info")
    for flag in report.flags:
        if flag.place in {one.field for one in shown}:
            continue  # it stands in the table already
        page.line(f"{flag.severity}: {flag.message}", flag.severity)
        if flag.remedy:
            page.line(f"  next: {flag.remedy}", "info")


VERSION_HEADS = ("model", "requests", "failed", "p50 ms", "p99 ms", "labels", "metrics (95 %)")
DRIFT_HEADS = ("input", "effect", "at least", "since", "what moved")


def version_row(one: VersionWatch) -> tuple[str, ...]:
    """One version's numbers as cells."""
    return (
        f"{one.version}{' (serving)' if one.serving else ''}",
        f"{one.requests:,}",
        f"{one.failed:,}",
        milliseconds(one.p50),
        milliseconds(one.p99),
        f"{one.labels:,}",
        "  ".join(f"{name} {estimate(value)}" for name, value in one.metrics.items()),
    )


def drift_row(one: FieldDrift) -> tuple[str, ...]:
    """One field's drift as cells."""
    return (
        one.field,
        f"{one.effect:.3f}",
        f"{one.lower:.3f}",
        moment(one.since),
        one.summary,
    )


def estimate(value: Estimate) -> str:
    """A value with its bounds.

    >>> estimate(Estimate(value=25.5, lower=24.25, upper=26.75))
    '25.5 [24.25, 26.75]'
    """
    if value.lower is None or value.upper is None:
        return number(value.value)
    return f"{number(value.value)} [{number(value.lower)}, {number(value.upper)}]"


def milliseconds(seconds: float | None) -> str:
    """Seconds as milliseconds."""
    return "-" if seconds is None else f"{1000 * seconds:.1f}"


__all__ = ["show_watch"]
