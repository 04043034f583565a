"""The commands that make things: data, train, package, check."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from sealift import clock, journey
from sealift.cli.options import HERE, Comment, Json, Version, Where, assignments, project, workplace
from sealift.cli.output import Page, Work, number
from sealift.data.snapshot import snapshot
from sealift.digest import short
from sealift.errors import MachineError
from sealift.folders import private
from sealift.package.evidence import bill
from sealift.record.image import Image
from sealift.record.report import Report
from sealift.record.run import Run
from sealift.record.transfer import Pushed
from sealift.types import Json as Value

Params = Annotated[
    list[str] | None,
    typer.Option("--param", "-p", help="NAME=VALUE or STEP.NAME=VALUE; may be repeated."),
]

Push = Annotated[
    bool, typer.Option("--push", help="Push the image to the registry of the project file.")
]
To = Annotated[str, typer.Option("--to", help="Push the image there: HOST/REPOSITORY[:TAG].")]

Bom = Annotated[
    Path | None, typer.Option("--bom", help="Write the image's bill of materials to this file.")
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
    where: Where = HERE, param: Params = None, comment: Comment = "", json: Json = False
) -> None:
    """Run the steps, each in a container, and register the model."""
    wired, page = workplace(where), Page(as_json=json)
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


def package(
    where: Where = HERE,
    model: Version = None,
    push: Push = False,
    to: To = "",
    bom: Bom = None,
    json: Json = False,
) -> None:
    """Build the serving image of a model, without a daemon."""
    wired, page = workplace(where), Page(as_json=json)
    target = journey.destination(wired, to) if push or to else ""
    with Work() as talk:
        image = journey.package(wired, model, progress=talk)
        pushed = journey.push(wired, image, target, progress=talk) if target else None
    page.value({"image": image, "pushed": pushed} if pushed else image)
    show_image(page, image)
    page.line("signed and kept beside it: bill of materials, provenance", "good")
    if bom:
        write_bill(bill(image.digest, store=wired.store, signer=wired.signer), bom)
        page.line(f"bill of materials (CycloneDX): {bom}", "good")
    if pushed:
        show_pushed(page, pushed)
    page.line(f"next: sealift check --model {image.model}", "info")


def write_bill(content: dict[str, Value], to: Path) -> None:
    """Write a bill of materials, for people and tools to read; a file that is there is replaced."""
    part = to.with_name(f".{to.name}.{clock.token(8)}")
    try:
        part.write_bytes(msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n")
        part.replace(to)
    except OSError as error:
        raise MachineError(
            f"The bill of materials cannot be written: {error.strerror}.",
            where=str(to),
            remedy="Name a file in a folder that is there and that you may write; the image is "
            "kept.",
        ) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def show_pushed(page: Page, pushed: Pushed) -> None:
    """A push for a person."""
    documents = f"; signed documents beside it: {pushed.referrers}" if pushed.referrers else ""
    page.line(
        f"pushed {pushed.reference}: {pushed.sent_blobs} blobs ({pushed.sent_bytes:,} bytes) sent, "
        f"{pushed.skipped_blobs + pushed.mounted_blobs} were there{documents}",
        "good",
    )


def show_image(page: Page, image: Image) -> None:
    """An image for a person."""
    page.table(
        ("layer", "bytes", "digest", ""),
        [
            (
                f"{layer.role} {layer.holds}".rstrip(),
                f"{layer.descriptor.size:,}",
                short(layer.descriptor.digest),
                "reused" if layer.reused else "written",
            )
            for layer in image.layers
        ],
    )
    page.line(f"image {image.digest}  {image.platform}, model {image.model}", "good")


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
        [
            (one.name, "pass" if one.passed else "FAIL", f"{one.seconds:.2f}", one.shows)
            for one in report.results
        ],
    )
    for result in report.results:
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


__all__ = ["check", "data", "package", "show_image", "show_report", "show_run", "train"]
