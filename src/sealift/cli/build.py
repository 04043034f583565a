"""The commands that make a model: data, train."""

from __future__ import annotations

from typing import Annotated

import typer

from sealift.chapters import journey
from sealift.cli.options import (
    HERE,
    Comment,
    Environment,
    Hermetic,
    Json,
    Where,
    assignments,
    project,
    workplace,
)
from sealift.cli.outlook import draw, show_audit, show_plan
from sealift.cli.output import Page, Work, number
from sealift.data.snapshot import snapshot
from sealift.digest import short
from sealift.folders import private
from sealift.record.run import Run
from sealift.wiring import Wired

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
    env: Environment = "",
    plan: Annotated[
        bool, typer.Option("--plan", help="Run nothing; say what would run, and why.")
    ] = False,
    graph: Annotated[
        str, typer.Option(help="Run nothing; draw the steps: FILE.svg, FILE.mmd, or - for here.")
    ] = "",
    audit: Annotated[
        int,
        typer.Option(
            min=0, help="Run so many steps of the last run again, and compare: is the cache right?"
        ),
    ] = 0,
    seed: Annotated[
        int | None, typer.Option(help="Of an audit: the same one chooses the same steps.")
    ] = None,
    json: Json = False,
) -> None:
    """Run the steps, each in a container, and register the model."""
    if audit:
        show_audit(workplace(where, hermetic=hermetic), audit, seed, json=json)
    elif graph:
        draw(where, graph, json=json)
    elif plan:
        show_plan(workplace(where, hermetic=hermetic), assignments(param or []), json=json)
    else:
        given = assignments(param or [])
        run_all(workplace(where, hermetic=hermetic), given, comment, env, json=json)


def run_all(
    wired: Wired, params: dict[str, str], comment: str, environment: str, *, json: bool
) -> None:
    """Run the steps, and say what came of it."""
    page = Page(as_json=json)
    with Work() as talk:
        run, model = journey.train(
            wired, params=params, comment=comment, progress=talk, environment=environment
        )
    page.value({"run": run, "model": model})
    show_outcome(page, run)
    for step in run.steps:
        # cores always have a limit, by default one: only a limit on memory was asked for
        asked = wired.project.steps[step.name.partition("[")[0]].memory
        missed = step.lacking if asked else [one for one in step.lacking if "network" in one]
        if missed and not step.cached:
            page.line(f"{step.name} ran without {' and '.join(missed)}", "warning")
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


__all__ = ["data", "show_run", "train"]
