"""The command that runs a recorded run again: reproduce."""

from __future__ import annotations

from typing import Annotated

import typer

from sealift.chapters import reproducing
from sealift.cli.marking import find_run
from sealift.cli.options import HERE, Json, Where, finite, workplace
from sealift.cli.output import Page, Work, number
from sealift.errors import NotFoundError, UsageError
from sealift.ports import Progress
from sealift.record.reproduction import Remade, Reproduction
from sealift.record.run import Run
from sealift.wiring import Wired


def reproduce(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="The run's id, or its beginning or end.")
    ],
    step: Annotated[
        list[str] | None, typer.Option("--step", help="Only this step; may be repeated.")
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Relative difference of numbers that does not matter, in any output.",
            callback=finite,
        ),
    ] = None,
    attach: Annotated[
        bool,
        typer.Option(
            "--attach", help="Sign what came out, and keep it beside the model and its images."
        ),
    ] = False,
    where: Where = HERE,
    json: Json = False,
) -> None:
    """Run a recorded run again, and compare every output."""
    wired, page = workplace(where), Page(as_json=json)
    with Work(told=True) as talk:
        wanted, ours = _wanted(wired, run, talk)
        if attach and not ours:
            raise UsageError(
                f"Run {wanted.id} is of another machine, and so is its model.",
                remedy="Reproduce it without --attach, or attach there.",
            )
        beside = reproducing.subjects(wired, wanted) if attach else {}
        made = reproducing.reproduce(
            wired, wanted, steps=tuple(step or ()), tolerance=tolerance, progress=talk
        )
    reproducing.attach(wired, made, beside.values())
    page.value({"reproduction": made, "reproduced": made.reproduced, "beside": beside})
    show(page, made)
    if beside:
        page.line(f"signed, and kept beside {', '.join(beside)}", "good")
    reproducing.reproduced(made)
    page.line(f"run {made.run} is reproduced", "good")


def _wanted(wired: Wired, word: str, talk: Progress) -> tuple[Run, bool]:
    """A run of this project's records, or else of the team; whether it is of these records."""
    try:
        return find_run(wired, word), True
    except NotFoundError:
        found = reproducing.of_team(wired, word, talk)
        if found is None:
            raise
        talk.say(f"Run {found.id} comes from the cache of the team.")
        return found, False


def show(page: Page, made: Reproduction) -> None:
    """A reproduction for a person."""
    page.table(
        ("output", "verdict", "difference", "differs"),
        [
            (f"{one.step}.{one.output}", one.verdict, _apart(one), "; ".join(one.differs))
            for one in made.outputs
        ],
    )
    for name, causes in made.causes.items():
        for cause in causes:
            page.line(f"{name}: {cause}", "warning")


def _apart(one: Remade) -> str:
    return "-" if one.difference is None else number(one.difference, 2)


__all__ = ["reproduce", "show"]
