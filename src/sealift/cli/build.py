"""The commands that make things, but for images: data, train, check."""

from __future__ import annotations

from typing import Annotated

import typer

from sealift import journey
from sealift.cli.options import (
    HERE,
    Comment,
    Hermetic,
    Json,
    Version,
    Where,
    assignments,
    project,
    workplace,
)
from sealift.cli.output import Page, Work, number
from sealift.data.snapshot import snapshot
from sealift.digest import short
from sealift.folders import private
from sealift.record.report import CheckResult, Report
from sealift.record.run import Run

Params = Annotated[
    list[str] | None,
    typer.Option("--param", "-p", help="NAME=VALUE or STEP.NAME=VALUE; may be repeated."),
]


def data(where: Where = HERE, json: Json = False) -> None:
    """Pin the datasets: paths, sizes, digests."""
    wired, page = project(where), Page(as_json=json)
    private(wired.folders.state)
    pinned = [
        snapshot(wired.folders.root, name, source) for name, source in wired.project.data.items()
    ]
    page.value(pinned)
    page.table(
        ("dataset", "files", "bytes", "digest"),
        [(one.name, str(len(one.entries)), f"{one.size:,}", short(one.digest)) for one in pinned],
        empty="sealift.toml names no data: it goes under [data.NAME]",
    )


def train(
    where: Where = HERE,
    param: Params = None,
    comment: Comment = "",
    hermetic: Hermetic = False,
    json: Json = False,
) -> None:
    """Run the steps, each in a container, and register the model."""
    wired, page = workplace(where, hermetic=hermetic), Page(as_json=json)
    with Work() as talk:
        run, model = journey.train(
            wired, params=assignments(param or []), comment=comment, progress=talk
        )
    page.value({"run": run, "model": model})
    show_outcome(page, run)
    for step in run.steps:
        # cores always have a limit, by default one: only a limit on memory was asked for
        if step.lacking and wired.project.steps[step.name].memory:
            page.line(f"{step.name} ran without {' and '.join(step.lacking)}", "warning")
    if model is not None:
        page.line(f"model {model.version}  {short(model.digest)}", "good")
        page.line(f"next: sealift package --model {model.version}", "info")


def show_run(page: Page, run: Run) -> None:
    """A run, step by step, for a person."""
    show_outcome(page, run)
    page.table(
        ("step", "status", "seconds", "because"),
        [
            (one.name, "cached" if one.cached else one.status, number(one.seconds), one.because)
            for one in run.steps
        ],
    )


def show_outcome(page: Page, run: Run) -> None:
    """How a run ended, and its metrics, for a person."""
    page.line(f"run {run.id}: {run.status}", "good" if run.status == "done" else "error")
    page.line(run.error, "error")
    page.line("  ".join(f"{name} {number(value)}" for name, value in run.metrics.items()))


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


__all__ = ["check", "data", "show_report", "show_run", "train"]
