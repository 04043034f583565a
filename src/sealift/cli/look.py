"""The commands that show what there is: runs, models, doctor."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from sealift import doctor as clinic
from sealift.cli.build import show_run
from sealift.cli.faults import refusal
from sealift.cli.options import HERE, Json, Where, project
from sealift.cli.output import Page, moment, number
from sealift.digest import short
from sealift.errors import MachineError, NotFoundError, UsageError
from sealift.folders import Folders
from sealift.record.image import Image
from sealift.record.model import Model
from sealift.record.run import Run
from sealift.wiring import Wired

runs_app = typer.Typer(no_args_is_help=False, help="The runs and what they recorded.")


@runs_app.callback(invoke_without_command=True)
def runs(context: typer.Context, where: Where = HERE, json: Json = False) -> None:
    """List the runs, newest last."""
    if context.invoked_subcommand is not None:
        return
    wired, page = project(where), Page(as_json=json)
    known = wired.ledger.all(Run)
    page.value(known)
    page.table(
        ("run", "status", "started", "by", "code", "model", "metrics", "why"),
        [
            (
                one.id,
                one.status,
                moment(one.started),
                one.user,
                one.code.commit[:10] + ("+" if one.code.diff else ""),
                str(one.model or "-"),
                " ".join(f"{name}={number(value)}" for name, value in one.metrics.items()),
                one.comment,
            )
            for one in known
        ],
        empty="no run yet; next: sealift train",
    )


def find_run(wired: Wired, word: str) -> Run:
    """The run of this id, or the only one whose id begins or ends with ``word``.

    Raises ``NotFoundError`` for none, ``UsageError`` for several.
    """
    ids = [run.id for run in wired.ledger.all(Run)]
    fitting = [one for one in ids if word and (one.startswith(word) or one.endswith(word))]
    if len(fitting) > 1 and word not in ids:
        raise UsageError(
            f"{len(fitting)} runs fit {word!r}.",
            remedy=f"Write more of the id, such as {fitting[-1]}.",
        )
    return wired.ledger.get(Run, fitting[0] if len(fitting) == 1 else word)


@runs_app.command("show")
def show(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="The run's id, or its beginning or end.")
    ],
    where: Where = HERE,
    json: Json = False,
) -> None:
    """Show one run: who, when, why, with what, and what came out."""
    wired, page = project(where), Page(as_json=json)
    one = find_run(wired, run)
    page.value(one)
    show_run(page, one)
    rows = [
        ("who", f"{one.user} on {one.machine.host} ({one.machine.cores} cores)"),
        ("when", f"{moment(one.started)} to {moment(one.finished)}"),
        ("why", one.comment or "-"),
        ("code", f"{short(one.code.digest)}  commit {one.code.commit or 'none'}"),
        ("diff", f"{len(one.code.diff.splitlines())} lines on top of the commit"),
        ("image", short(one.image)),
        ("lock", short(one.lock or "")),
        ("engine", one.machine.engine),
        *(
            (f"data {name}", f"{short(s.digest)}  {s.size:,} bytes")
            for name, s in one.snapshots.items()
        ),
        *(
            (f"params {step}", " ".join(f"{k}={v}" for k, v in values.items()))
            for step, values in one.params.items()
            if values
        ),
        *(
            (f"output {step.name}.{name}", short(tree))
            for step in one.steps
            for name, tree in step.outputs.items()
        ),
    ]
    page.table(("record", ""), rows)


@runs_app.command("output")
def output(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="The run's id, or its beginning or end.")
    ],
    name: Annotated[str, typer.Argument(metavar="STEP.OUTPUT", help="Which output.")],
    to: Annotated[Path, typer.Option(help="File or folder to write.")],
    where: Where = HERE,
    json: Json = False,
) -> None:
    """Copy an output of a run out of the store."""
    wired, page = project(where), Page(as_json=json)
    one = find_run(wired, run)
    outputs = {f"{s.name}.{key}": tree for s in one.steps for key, tree in s.outputs.items()}
    if name not in outputs:
        raise NotFoundError(
            f"Run {one.id} has no output {name!r}.",
            remedy=f"It has: {', '.join(outputs) or 'none'}.",
        )
    source = wired.store.tree(outputs[name])
    copy(source, to)
    page.value({"output": name, "digest": outputs[name], "path": str(to)})
    page.line(f"{name} ({short(outputs[name])}) is now {to}", "good")


def copy(source: Path, to: Path) -> None:
    """Copy a file or folder; raises ``UsageError`` where something is in the way."""
    if to.exists():
        raise UsageError("The place is taken.", where=str(to), remedy="Choose a new path.")
    try:
        if source.is_dir():
            shutil.copytree(source, to)
        else:
            shutil.copyfile(source, to)
    except OSError as error:
        raise refusal(error) from error


def models(where: Where = HERE, json: Json = False) -> None:
    """List the models, with their metrics and where they came from."""
    wired, page = project(where), Page(as_json=json)
    known = wired.ledger.all(Model)
    images = {image.model: image for image in wired.ledger.all(Image)}
    page.value([packaged(model, images.get(model.version)) for model in known])
    page.table(
        ("model", "digest", "created", "from", "inputs", "metrics", "why"),
        [
            (
                str(one.version),
                short(one.digest),
                moment(one.created),
                one.run or (one.origin.reference if one.origin else ""),
                str(len(one.contract.fields)),
                " ".join(f"{name}={number(value)}" for name, value in one.metrics.items()),
                one.comment,
            )
            for one in known
        ],
        empty="no model yet; next: sealift train",
    )
    documented = [str(one.version) for one in known if (i := images.get(one.version)) and i.bom]
    if documented:
        page.line(f"with bill of materials and provenance: {', '.join(documented)}", "info")


def packaged(model: Model, image: Image | None) -> dict[str, object]:
    """A model with its newest image, and the signed documents beside that."""
    return {
        **msgspec.to_builtins(model),
        "image": image and image.digest,
        "bom": image and image.bom,
        "provenance": image and image.provenance,
    }


def doctor(where: Where = HERE, json: Json = False) -> None:
    """Say what this machine can do, and what to mend."""
    page = Page(as_json=json)
    results = clinic.examine(Folders(where.resolve()))
    page.value(results)
    page.table(
        ("check", "result", "shows"),
        [(one.name, "ok" if one.passed else "PROBLEM", one.detail or one.shows) for one in results],
    )
    for result in results:
        for finding in result.findings:
            place = f" ({finding.place})" if finding.place else ""
            page.line(f"{result.name}: {finding.message}{place}", finding.severity)
            page.line(f"  next: {finding.remedy}", "info")
    if not all(one.passed for one in results):
        raise MachineError(
            "This machine lacks something that Sealift needs.", remedy="Each finding says what."
        )
    page.line("this machine can do all that Sealift needs", "good")


__all__ = ["doctor", "models", "runs_app"]
