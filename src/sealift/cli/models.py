"""The commands about models: what there is, and a model's files for others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from sealift.chapters import versions
from sealift.cli import registry, sharing
from sealift.cli.faults import refusal
from sealift.cli.options import HERE, Json, Version, Where, project
from sealift.cli.output import Page, moment, number
from sealift.digest import short
from sealift.errors import UsageError
from sealift.package.unpack import write_files
from sealift.record.image import Image
from sealift.record.model import Model

app = typer.Typer(no_args_is_help=False, help="The models, their names and their files.")
for command in (
    registry.show,
    registry.alias,
    registry.gates,
    registry.tag,
    registry.note,
    registry.history,
    sharing.push,
    sharing.pull,
):
    app.command(command.__name__)(command)


@app.callback(invoke_without_command=True)
def models(context: typer.Context, where: Where = HERE, json: Json = False) -> None:
    """List the models, with their metrics and where they came from."""
    if context.invoked_subcommand is not None:
        return
    wired, page = project(where), Page(as_json=json)
    known = wired.ledger.all(Model)
    images = versions.newest_images(wired)
    marks = versions.marks(wired)
    page.value(
        [
            packaged(model, images.get(model.version))
            | {
                "aliases": marks.aliases_of(model.version),
                "tags": marks.tags("model", model.version),
            }
            for model in known
        ]
    )
    page.table(
        ("model", "alias", "digest", "created", "from", "inputs", "metrics", "why"),
        [
            (
                str(one.version),
                " ".join(marks.aliases_of(one.version)),
                short(one.digest),
                moment(one.created),
                came_from(one),
                str(len(one.contract.fields)),
                " ".join(f"{name}={number(value)}" for name, value in one.metrics.items()),
                one.comment,
            )
            for one in known
        ],
        empty="no model yet; next: "
        + ("sealift train" if wired.project.model else "add [model] to sealift.toml"),
    )
    documented = [str(one.version) for one in known if (i := images.get(one.version)) and i.bom]
    if documented:
        page.line(f"with bill of materials and provenance: {', '.join(documented)}", "info")


def came_from(model: Model) -> str:
    """What a model was made by, or where it was before it came here."""
    if model.pulled is not None:
        return model.pulled.reference
    return model.run or (model.origin.reference if model.origin else "")


def packaged(model: Model, image: Image | None) -> dict[str, object]:
    """A model with its newest image, and the signed documents beside that."""
    return {
        **msgspec.to_builtins(model),
        "image": image and image.digest,
        "bom": image and image.bom,
        "provenance": image and image.provenance,
    }


@app.command("write")
def write(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The new folder.")],
    model: Version = None,
    where: Where = HERE,
    json: Json = False,
) -> None:
    """Write a model's files to a folder, as a server reads them."""
    wired, page = project(where), Page(as_json=json)
    one = versions.pick(wired, versions.number(wired, model))
    if one.origin is not None:
        raise UsageError(
            f"Model {one.version} was brought in: its files are in its image.",
            where=one.origin.reference,
        )
    if folder.exists():
        raise UsageError("The place is taken.", where=str(folder), remedy="Choose a new path.")
    try:
        write_files(wired.store, one.digest, folder)
    except OSError as error:
        raise refusal(error, str(folder)) from error
    page.value({"model": one.version, "digest": one.digest, "path": str(folder)})
    page.line(f"model {one.version} ({short(one.digest)}) is now {folder}", "good")


__all__ = ["app", "packaged"]
