"""The commands that send models to registries and bring them from there."""

from __future__ import annotations

from typing import Annotated

import typer

from sealift.chapters import sharing, versions
from sealift.cli.options import HERE, Json, Version, Where, workplace
from sealift.cli.output import Page, Work
from sealift.digest import short

Reference = Annotated[str, typer.Argument(metavar="REF", help="HOST/REPOSITORY[:TAG].")]


def push(to: Reference, model: Version = None, where: Where = HERE, json: Json = False) -> None:
    """Send a model and its signed record to a registry; its aliases become tags there.

    Without a tag the model is VERSION-model.
    """
    wired, page = workplace(where), Page(as_json=json)
    one = versions.pick(wired, versions.number(wired, model))
    with Work() as talk:
        pushed = sharing.push(wired, one, to, progress=talk)
    page.value({"model": one, "pushed": pushed})
    page.line(
        f"pushed {pushed.reference}: {pushed.sent_blobs} blobs ({pushed.sent_bytes:,} bytes) sent, "
        f"{pushed.skipped_blobs + pushed.mounted_blobs} were there",
        "good",
    )
    for alias in pushed.beside:
        page.line(f"model {one.version} is {alias} there too", "info")


def pull(
    source: Annotated[
        str, typer.Argument(metavar="REF", help="HOST/REPOSITORY:TAG, or @sha256:DIGEST.")
    ],
    where: Where = HERE,
    json: Json = False,
) -> None:
    """Bring a model from a registry, checked against its signed record."""
    wired, page = workplace(where), Page(as_json=json)
    with Work() as talk:
        model, new = sharing.pull(wired, source, progress=talk)
    page.value({"model": model, "new": new})
    if not new:
        page.line(f"the same bytes as model {model.version} ({short(model.digest)})", "good")
        return
    page.line(f"model {model.version} ({short(model.digest)}) came from {source}", "good")
    page.line(f"next: sealift package --model {model.version}", "info")


__all__ = ["pull", "push"]
