"""The commands to begin with: init and schema."""

from __future__ import annotations

import re
import shlex
import sys
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from sealift.cli import ci
from sealift.cli.faults import refusal
from sealift.cli.options import Json
from sealift.cli.output import Page
from sealift.errors import UsageError
from sealift.record.schema import text as schema_text

TEMPLATE = ("sealift.toml", "requirements.txt", "prepare.py", "train.py")
IGNORED = ".gitignore"


def init(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="The new project's folder; may be there.")
    ] = Path(),
    system: Annotated[
        ci.System | None,
        typer.Option(
            "--ci", help="Write a workflow for this CI system; beside a project, it alone."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Write a small working project that classifies wines."""
    page = Page(as_json=json)
    if system is not None:
        ci.require_free(folder, system)
        if (folder / "sealift.toml").exists():
            written = [ci.write(folder, system)]
            page.value({"folder": str(folder), "files": written})
            page.line(f"wrote {', '.join(written)}", "good")
            return
    taken = [name for name in TEMPLATE if (folder / name).exists()]
    if taken:
        raise UsageError(
            f"{', '.join(taken)} would be overwritten.",
            where=str(folder.resolve()),
            remedy="Choose an empty folder: sealift init NAME.",
        )
    written = write(folder)
    if system is not None:
        written.append(ci.write(folder, system))
    page.value({"folder": str(folder), "files": written})
    page.line(f"wrote {', '.join(written)}", "good")
    there = "" if folder.resolve() == Path.cwd() else f"cd {shlex.quote(str(folder))} && "
    page.line(f"next: {there}sealift train", "info")


def write(folder: Path) -> list[str]:
    """Write the template's files; the names of those that are new or longer now.

    Nothing stays behind where one cannot be written: that raises ``UsageError`` for a folder that
    is a file, else ``MachineError``.
    """
    source = files("sealift.cli") / "template"
    begun: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in TEMPLATE:
            begun.append(folder / name)
            text = (source / name).read_text(encoding="utf-8")
            begun[-1].write_text(
                text.replace('"wines"', f'"{project_name(folder)}"', 1), encoding="utf-8"
            )
        ignored = ignore(folder / IGNORED, (source / "gitignore").read_text(encoding="utf-8"))
    except (FileExistsError, NotADirectoryError) as error:
        raise UsageError(
            "A file is where the folder should be.",
            where=str(error.filename),
            remedy="Choose another folder: sealift init NAME.",
        ) from error
    except OSError as error:
        for path in begun:
            if path.is_file():
                path.unlink()
        raise refusal(error, str(folder)) from error
    return [*TEMPLATE, *([IGNORED] if ignored else [])]


def ignore(path: Path, wanted: str) -> bool:
    """Add the lines that a ``.gitignore`` lacks; whether there were any."""
    present = path.read_text(encoding="utf-8") if path.exists() else ""
    lacking = [line for line in wanted.splitlines() if line not in present.splitlines()]
    if lacking:
        gap = "" if present.endswith("\n") or not present else "\n"
        with path.open("a", encoding="utf-8") as file:
            file.write(gap + "\n".join(lacking) + "\n")
    return bool(lacking)


def project_name(folder: Path) -> str:
    """A name for the project in a folder, made from the folder's own.

    >>> project_name(Path("/srv/Red Wines_2")), project_name(Path("/"))
    ('red-wines-2', 'wines')
    """
    words = re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower())
    return words.strip("-")[:63].strip("-") or "wines"


def schema() -> None:
    """Print the JSON schema of sealift.toml, for editors."""
    sys.stdout.write(schema_text())


__all__ = ["init", "schema"]
