"""The command that writes manifests for another engine: compile."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sealift.chapters import compiling, versions
from sealift.cli.options import HERE, Json, Version, Where, project
from sealift.cli.output import Page
from sealift.errors import UsageError
from sealift.kubernetes import files


class Target(StrEnum):
    """What manifests are written for."""

    KUBERNETES = "kubernetes"


To = Annotated[Target, typer.Option("--to", help="What the manifests are for.")]
Env = Annotated[
    str, typer.Option("--env", help="Environment of the project file; its only one if absent.")
]
Out = Annotated[
    Path | None, typer.Option("--out", help="Write a file for each object to this folder.")
]
Diff = Annotated[
    bool, typer.Option("--diff", help="With --out: say what would change there, write nothing.")
]


def compile_(
    where: Where = HERE,
    to: To = Target.KUBERNETES,
    env: Env = "",
    model: Version = None,
    out: Out = None,
    diff: Diff = False,
    json: Json = False,
) -> None:
    """Write a version of the model as manifests for `kubectl apply`."""
    if diff and out is None:
        raise UsageError(
            "--diff compares with a folder.", remedy="Say which with --out, such as --out deploy."
        )
    wired, page = project(where), Page(as_json=json)
    objects = compiling.manifests(wired, env, versions.number(wired, model))
    made = files.named(objects)
    changes = files.difference(made, out) if out else ""
    if out and not diff:
        files.write(made, out)
    page.value({"target": to.value, "objects": objects, "changes": changes})
    if diff:
        page.line(changes.rstrip("\n") or "Nothing would change.")
    elif out:
        rows = [(name, str(one["kind"])) for name, one in zip(made, objects, strict=True)]
        page.table(("file", "object"), rows)
    else:
        page.line(files.text(objects).rstrip("\n"))


__all__ = ["compile_"]
