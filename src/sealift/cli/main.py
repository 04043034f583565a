"""The ``sealift`` command: its verbs, and the one place where errors become exit codes."""

from __future__ import annotations

import signal
import sys
from typing import Annotated

import typer

from sealift import __version__
from sealift.cli.commands import Lazy
from sealift.cli.faults import refusal, unforeseen
from sealift.cli.output import explain
from sealift.errors import SealiftError

INTERRUPTED = 130

app = typer.Typer(
    name="sealift",
    cls=Lazy,
    help="From training code to a model container that can be trusted in production.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


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
    """Run the command line; every error is explained and sets the exit code."""
    listen()
    try:
        app(prog_name="sealift")
    except SealiftError as error:
        leave(error)
    except OSError as error:
        leave(refusal(error))
    except SystemExit as ending:
        if ending.code == INTERRUPTED:
            sys.stderr.write("interrupted\n")
        raise
    except Exception as error:  # noqa: BLE001 - the last resort: nobody should meet a traceback
        leave(unforeseen(error))


def listen() -> None:
    """Let SIGTERM and the end of the terminal interrupt the work as Ctrl-C does: it clears up."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup wants it ignored
        signal.signal(signal.SIGHUP, signal.default_int_handler)


def leave(error: SealiftError) -> None:
    """Explain an error and end with its exit code."""
    explain(error)
    sys.exit(error.exit_code)


__all__ = ["app", "main"]
