"""The commands by name, each loaded when it is asked for.

All of them together take several times as long to load as one, which who waits for it would feel.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any, cast

import typer
from typer.core import TyperCommand, TyperGroup

COMMANDS = {
    "init": "start:init",
    "data": "build:data",
    "train": "build:train",
    "package": "pack:package",
    "check": "check:check",
    "up": "operate:up",
    "release": "operate:release",
    "watch": "operate:watch",
    "promote": "operate:promote",
    "rollback": "operate:rollback",
    "scale": "there:scale",
    "status": "operate:status",
    "releases": "operate:releases",
    "models": "models:app",
    "down": "operate:down",
    "compile": "manifests:compile_",
    "doctor": "look:doctor",
    "schema": "start:schema",
    "runs": "runs:runs_app",
    "reproduce": "reproduce:reproduce",
    "keys": "keys:app",
}
"""Each command's module in this folder, and what it is there: a function or a group."""

_HOW: dict[str, Any] = {
    "add_completion": False,
    "pretty_exceptions_enable": False,
    "rich_markup_mode": None,
}


class Lazy(TyperGroup):
    """The group of all commands, in the order of the journey."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        # the names alone, for whoever suggests one that is near
        self.commands = dict.fromkeys(COMMANDS, TyperCommand(None))

    def list_commands(self, _context: Any) -> list[str]:
        """Their names."""
        return list(COMMANDS)

    def get_command(self, _context: Any, name: str) -> Any:
        """A command, loaded now; None where there is none of this name."""
        return load(name) if name in COMMANDS else None


def named(name: str) -> Any:
    """A command, or a part of one that few ask for, by its module in this folder and its name."""
    module, _, attribute = name.partition(":")
    # httpx looks for its own command line, with rich and click; without one it does as well
    sys.modules.setdefault("httpx._main", cast("ModuleType", None))
    with _undisturbed():
        return getattr(importlib.import_module(f"sealift.cli.{module}"), attribute)


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Modules load without a search for garbage, which they are not; nor are they ever again."""
    searched = gc.isenabled()
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        if searched:
            gc.enable()


def load(name: str) -> Any:
    """A command by its name."""
    found = named(COMMANDS[name])
    whole = typer.Typer(**_HOW)
    if isinstance(found, typer.Typer):
        whole.add_typer(found, name=name)
        return typer.main.get_group(whole).commands[name]
    whole.command(name)(found)
    return typer.main.get_command(whole)


__all__ = ["COMMANDS", "Lazy", "load", "named"]
