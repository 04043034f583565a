"""The command that lets an image prove itself, or grades a running server: check."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sealift.chapters import journey, proving, targets, versions
from sealift.check.outcome import junit as as_junit
from sealift.check.outcome import page as as_page
from sealift.check.outcome.sheet import Sheet, of_grade, of_report
from sealift.cli import grading
from sealift.cli.options import HERE, Json, Version, Where, workplace
from sealift.cli.output import Page, Work
from sealift.digest import short
from sealift.errors import CheckError, UsageError
from sealift.record.report import CheckResult, Report
from sealift.whole import whole
from sealift.wiring import Wired

Target = Annotated[
    str,
    typer.Argument(
        help="Model version, @ALIAS, digest, HOST/REPOSITORY:TAG, oci:FOLDER, oci-archive:FILE, or "
        "the address of a server; the newest model if absent."
    ),
]
Protocol = Annotated[
    bool, typer.Option("--protocol", help="Grade a running server by the protocol's rules.")
]
Grpc = Annotated[
    str, typer.Option("--grpc", metavar="HOST:PORT", help="Grade the server's gRPC too.")
]
Named = Annotated[str, typer.Option("--model-name", help="Of a server's models, this one.")]
Example = Annotated[
    Path | None, typer.Option("--example", metavar="FILE", help="A request that the server takes.")
]
Junit = Annotated[
    Path | None, typer.Option("--junit", metavar="FILE", help="Write JUnit XML, for CI systems.")
]
Html = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Write a page of HTML, to read.")
]
Strict = Annotated[bool, typer.Option("--strict", help="Fail on warnings too.")]


def check(
    target: Target = "",
    protocol: Protocol = False,
    grpc: Grpc = "",
    where: Where = HERE,
    model: Version = None,
    model_name: Named = "",
    example: Example = None,
    junit: Junit = None,
    html: Html = None,
    strict: Strict = False,
    json: Json = False,
) -> None:
    """Prove an image by every check, or grade any running server.

    TARGET is a model version, the digest of an image in the store, an image in a registry, a
    layout on disk, or the address of a running server of whatever maker (http://HOST:PORT, or
    grpc://HOST:PORT), which is graded by the rules of the Open Inference Protocol. Without one it
    is the newest model.
    """
    page = Page(as_json=json)
    if target.startswith(("http://", "https://", "grpc://")):
        with Work(told=True) as talk:
            found = grading.graded(
                target, grpc=grpc, model=model_name, example=example, where=where, talk=talk
            )
        write(of_grade(found, strict=strict), junit, html)
        page.value(found)
        grading.show(page, found)
        grading.passed(found, strict=strict)
        return
    if protocol or grpc:
        raise UsageError(
            f"{target!r} is not the address of a server." if target else "No server is named.",
            remedy="Write its address, such as http://127.0.0.1:8080.",
        )
    wired = workplace(where)
    with Work(told=True) as talk:
        report = checked(wired, target, model, talk)
    write(of_report(report, strict=strict), junit, html)
    page.value(report)
    show_report(page, report)
    judge(report, strict=strict)
    if not target or targets.is_version(wired.project.name, target):
        lacking = proving.lacking(wired, report)
        for one in lacking:
            page.line(f"a release would be refused: {one.what}", "warning")
            page.line(f"  next: {one.remedy}", "info")
        if not lacking:
            page.line(f"next: sealift release --model {report.model}", "info")


def checked(wired: Wired, target: str, model: str | None, talk: Work) -> Report:
    """The report of an image of the project, or of one from elsewhere."""
    if not target:
        return journey.check(wired, versions.number(wired, model), progress=talk)
    if model is not None:
        raise UsageError(
            "Both a target and --model are named.", remedy="Name one: the version is a target too."
        )
    if targets.is_version(wired.project.name, target):
        return journey.check(wired, versions.number(wired, target), progress=talk)
    return proving.check_place(wired, target, progress=talk)


def write(sheet: Sheet, junit: Path | None, html: Path | None) -> None:
    """Write the files that were asked for, each whole or not at all."""
    for path, content in ((junit, as_junit.write), (html, as_page.write)):
        if path is not None:
            with whole(path, "The report") as file:
                file.write(content(sheet))


def judge(report: Report, *, strict: bool) -> None:
    """Raises ``CheckError`` for failed checks; ``strict`` takes warnings for failures."""
    journey.passed(report)
    warned = [one.name for one in report.results if one.findings]
    if strict and warned:
        raise CheckError(
            f"{len(warned)} checks warn: {', '.join(warned)}.",
            where=report.subject,
            remedy="Each finding above says what to do; without --strict they pass.",
        )


def show_report(page: Page, report: Report) -> None:
    """A report for a person."""
    page.table(
        ("check", "result", "seconds", "shows"),
        [(one.name, verdict(one), f"{one.seconds:.2f}", one.shows) for one in report.results],
    )
    for result in report.results:
        if result.detail:
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
