"""The ``sealift`` command: its verbs, and the one place where errors become exit codes."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from sealift import __version__
from sealift.cli import build, look, operate, start
from sealift.cli.output import explain
from sealift.errors import SealiftError

app = typer.Typer(
    name="sealift",
    help="From training code to a model container that can be trusted in production.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

JOURNEY = (
    start.init,
    build.data,
    build.train,
    build.package,
    build.check,
    operate.up,
    operate.release,
    operate.watch,
    operate.promote,
    operate.rollback,
    operate.status,
    operate.releases,
    look.models,
    operate.down,
    look.doctor,
    start.schema,
)

for verb in JOURNEY:
    app.command()(verb)
app.add_typer(look.runs_app, name="runs")


def _version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"sealift {__version__}\n")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Take training code to a model container that can be trusted in production."""


def main() -> None:
    """Run the command line; a foreseen error is explained and sets the exit code."""
    try:
        app()
    except SealiftError as error:
        explain(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(130)


__all__ = ["app", "main"]
