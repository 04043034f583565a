"""The curves that the steps of a run logged: runs metrics."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sealift.cli import columnar
from sealift.cli.columnar import STANDARD, Parquet
from sealift.cli.marking import Named, find_run
from sealift.cli.options import HERE, Json, Where, project
from sealift.cli.output import Page, number
from sealift.record.run import Run
from sealift.train import points
from sealift.train.listing import Row
from sealift.train.points import Curve
from sealift.wiring import Wired

POINT = ("step_of_run", "metric", "step", "value")
"""The columns of a table of points."""


def metrics(
    run: Named,
    csv_to: Annotated[
        Path | None, typer.Option("--csv", help="Write all points to this file; - prints them.")
    ] = None,
    parquet_to: Parquet = None,
    where: Where = HERE,
    json: Json = False,
) -> None:
    """Draw the curves that the steps logged, also while they run."""
    wired, page = project(where), Page(as_json=json)
    found = curves(wired, find_run(wired, run))
    if (to := csv_to or parquet_to) is not None:
        columnar.write(rows(found), to, parquet=csv_to is None, heads=POINT)
        if to == STANDARD:
            return
        page.line(f"the points are in {to}", "good")
    page.value(
        {step: {name: list(one.items()) for name, one in of.items()} for step, of in found.items()}
    )
    page.table(
        ("step", "metric", "points", "last", "least", "most", "curve"),
        [
            (
                step,
                name,
                f"{len(one):,}",
                *(number(value) for value in (list(one.values())[-1], *_ends(one))),
                points.drawn(one),
            )
            for step, of in found.items()
            for name, one in of.items()
        ],
        empty="no curves: a step logs them with curves = true, see docs/steps.md",
    )


def _ends(one: Curve) -> tuple[float | None, float | None]:
    values = [value for value in one.values() if value - value == 0]
    return min(values, default=None), max(values, default=None)


def curves(wired: Wired, run: Run) -> dict[str, dict[str, Curve]]:
    """The curves of each step; of a cached one, those that it logged when it ran."""
    logs = {step.name: wired.folders.root / step.log for step in run.steps if step.log}
    ended = {points.beside(log) for log in logs.values()}
    found = {name: points.read(points.beside(log)) for name, log in logs.items()}
    for folder in sorted((wired.folders.runs / run.id).glob("*.points")):
        if folder not in ended:
            found[folder.stem] = points.read(folder)
    return {name: of for name, of in found.items() if of}


def rows(found: dict[str, dict[str, Curve]]) -> list[Row]:
    """A row for each point."""
    return [
        {"step_of_run": step, "metric": name, "step": place, "value": value}
        for step, of in found.items()
        for name, one in of.items()
        for place, value in one.items()
    ]


__all__ = ["curves", "metrics"]
