"""The commands to begin with: init and schema."""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from sealift.cli.options import Json
from sealift.cli.output import Page
from sealift.errors import UsageError
from sealift.record.schema import text as schema_text

TEMPLATE = ("sealift.toml", "requirements.txt", "prepare.py", "train.py", "gitignore")


def init(
    folder: Annotated[Path, typer.Argument(help="The new project's folder.")] = Path(),
    json: Json = False,
) -> None:
    """Write a small working project: a classifier of wines, from data to release."""
    page = Page(as_json=json)
    source = files("sealift.cli") / "template"
    names = {name: "." + name if name == "gitignore" else name for name in TEMPLATE}
    taken = [target for target in names.values() if (folder / target).exists()]
    if taken:
        raise UsageError(
            f"{', '.join(taken)} would be overwritten.",
            where=str(folder.resolve()),
            remedy="Choose an empty folder: sealift init NAME.",
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name, target in names.items():
        (folder / target).write_bytes((source / name).read_bytes())
    page.value({"folder": str(folder), "files": list(names.values())})
    page.line(f"wrote {', '.join(names.values())}", "good")
    there = "" if folder.resolve() == Path.cwd() else f"cd {folder} && "
    page.line(f"next: {there}sealift train", "info")


def schema() -> None:
    """Print the JSON schema of sealift.toml, for editors."""
    sys.stdout.write(schema_text())


__all__ = ["init", "schema"]
