"""The runs and what they recorded: list, show, compare, best, output."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from sealift.chapters import contrasting, versions
from sealift.cli import columnar, curves, marking
from sealift.cli.build import show_run
from sealift.cli.columnar import STANDARD, Parquet
from sealift.cli.faults import refusal
from sealift.cli.marking import find_run
from sealift.cli.options import HERE, Json, Where, project
from sealift.cli.output import Page, moment, number
from sealift.digest import short
from sealift.errors import NotFoundError, UsageError
from sealift.record.run import Run
from sealift.train.listing import columns, condition, said, select, table

Only: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--only", help="A condition, such as 'mae < 30'; all that are given must hold."),
]

runs_app = typer.Typer(no_args_is_help=False, help="The runs and what they recorded.")
for command in (marking.tag, marking.note, marking.parent, curves.metrics):
    runs_app.command(command.__name__)(command)


@runs_app.callback(invoke_without_command=True)
def runs(
    context: typer.Context,
    where: Where = HERE,
    only: Only = None,
    sort: Annotated[str, typer.Option(help="Column to sort by; with a - before it, falling.")] = "",
    csv_to: Annotated[
        Path | None, typer.Option("--csv", help="Write all columns to this file; - prints them.")
    ] = None,
    parquet_to: Parquet = None,
    json: Json = False,
) -> None:
    """List the runs, newest last."""
    if context.invoked_subcommand is not None:
        return
    wired, page = project(where), Page(as_json=json)
    known = select(
        wired.ledger.all(Run) if json else wired.ledger.heads(),
        [condition(text) for text in only or []],
        sort.removeprefix("-"),
        falling=sort.startswith("-"),
        marks=versions.marks(wired),
    )
    if (to := csv_to or parquet_to) is not None:
        rows = [row for _, row in table(known, versions.marks(wired))]
        columnar.write(rows, to, parquet=csv_to is None)
        if to == STANDARD:
            return
        page.value({"file": str(to), "runs": len(known)})
        page.line(f"{len(known)} runs are in {to}", "good")
        return
    page.value(known)
    show_runs(page, known, empty="no such run" if only else "no run yet; next: sealift train")


def show_runs(page: Page, known: list[Run], *, empty: str) -> None:
    """Runs for a person, one a line."""
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
        empty=empty,
    )


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
    marks = versions.marks(wired)
    rows += [(name, str(value)) for name, value in said(one, marks).items() if name != "notes"]
    rows += [
        ("note", f"{note.value} ({note.user}, {moment(note.created)})")
        for note in marks.notes("run", one.id)
    ]
    page.table(("record", ""), rows)


@runs_app.command("best")
def best(
    metric: Annotated[str, typer.Argument(help="The metric, or another column.")],
    most: Annotated[
        bool, typer.Option("--most", help="The largest is the best, not the smallest.")
    ] = False,
    only: Only = None,
    where: Where = HERE,
    json: Json = False,
) -> None:
    """Show the finished run with the smallest (or largest) value of a metric."""
    wired, page = project(where), Page(as_json=json)
    conditions = [condition("status = done"), *map(condition, only or [])]
    marks = versions.marks(wired)
    found = select(wired.ledger.heads(), conditions, metric, falling=most, marks=marks)
    if not found or metric not in columns(found[0]):
        raise NotFoundError(
            f"No finished run has {metric!r}.", remedy="See what there is: sealift runs."
        )
    value = columns(found[0])[metric]
    if isinstance(value, str):
        raise UsageError(f"{metric!r} is a text, of which none is the best.")
    whole = wired.ledger.get(Run, found[0].id)
    page.value(whole)
    page.line(f"{metric} {number(value)}", "good")
    show_run(page, whole)


@runs_app.command("compare")
def compare(
    words: Annotated[
        list[str], typer.Argument(metavar="RUN RUN...", help="Ids, or their beginnings or ends.")
    ],
    diff: Annotated[
        bool, typer.Option("--diff", help="Of two runs, the code's changes line by line.")
    ] = False,
    where: Where = HERE,
    json: Json = False,
) -> None:
    """Show what is not the same in runs: outcome, parameters, data, code, packages, machine."""
    wired, page = project(where), Page(as_json=json)
    chosen = [find_run(wired, word) for word in words]
    if len(chosen) < 2 or (diff and len(chosen) > 2):
        raise UsageError(
            "Two runs are compared line by line." if diff else "One run cannot be compared.",
            remedy="Name two runs: sealift runs compare RUN RUN.",
        )
    if diff:
        lines = list(contrasting.diff(wired, *chosen))
        page.value(lines)
        page.line("\n".join(lines) or "the code is the same")
        return
    found = contrasting.compare(wired, chosen)
    page.value({"runs": [run.id for run in chosen], "differences": found})
    page.table(
        ("what", "which", *(run.id for run in chosen)),
        [(one.aspect, one.name, *one.values) for one in found],
        empty="nothing differs",
    )


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


__all__ = ["runs_app"]
