"""The command that makes images: package."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from sealift.chapters import packing, remaking, versions
from sealift.cli.commands import named
from sealift.cli.options import HERE, Hermetic, Json, Version, Where, workplace
from sealift.cli.output import Page, Work
from sealift.digest import short
from sealift.errors import UsageError
from sealift.package.evidence import bill
from sealift.package.shelf import readable
from sealift.record.comparison import Comparison
from sealift.record.explanation import Explanation
from sealift.record.image import Image
from sealift.record.transfer import Pushed, Saved
from sealift.types import Json as Value
from sealift.whole import whole
from sealift.wiring import Wired

LARGEST = 5
"""Packages that are named with their sizes; all of them are in the answer to --json."""

Push = Annotated[
    bool, typer.Option("--push", help="Push the image to the registry of the project file.")
]
To = Annotated[str, typer.Option("--to", help="Push the image there: HOST/REPOSITORY[:TAG].")]

Bom = Annotated[
    Path | None, typer.Option("--bom", help="Write the image's bill of materials to this file.")
]

Archive = Annotated[
    Path | None,
    typer.Option("--archive", help="Write the image to this file, for docker load or podman load."),
]
From = Annotated[
    str,
    typer.Option(
        "--from-image",
        metavar="IMAGE",
        help="Bring in an image of others: HOST/REPOSITORY:TAG, oci:FOLDER, oci-archive:FILE or "
        "docker-archive:FILE.",
    ),
]
Table = Annotated[
    Path | None,
    typer.Option("--table", help="With --from-image: a CSV file of rows that its model answers."),
]


Verify = Annotated[
    bool, typer.Option("--verify", help="Make the model's images again from nothing, and compare.")
]
Rebuild = Annotated[
    str,
    typer.Option(
        "--rebuild",
        metavar="IMAGE",
        help="Make this image (a digest, or HOST/REPOSITORY:TAG) again from its lock, and compare.",
    ),
]

Eject = Annotated[
    Path | None,
    typer.Option("--eject", help="Write a plain Dockerfile, and all it needs, to this folder."),
]


def package(
    where: Where = HERE,
    model: Version = None,
    push: Push = False,
    to: To = "",
    bom: Bom = None,
    archive: Archive = None,
    verify: Verify = False,
    rebuild: Rebuild = "",
    from_image: From = "",
    table: Table = None,
    eject: Eject = None,
    hermetic: Hermetic = False,
    json: Json = False,
) -> None:
    """Build a model's serving image, or bring in another one."""
    wired, page = workplace(where, hermetic=hermetic), Page(as_json=json)
    if (from_image or table) and (model is not None or verify or rebuild):
        raise UsageError(
            "--from-image goes with none of --model, --verify and --rebuild.",
            remedy="Leave them out: the image is brought in as it is.",
        )
    if verify or rebuild:
        with Work() as talk:
            compared = (
                remaking.rebuild(wired, rebuild, progress=talk)
                if rebuild
                else remaking.verify(wired, versions.number(wired, model), progress=talk)
            )
        show_comparisons(page, compared)
        return
    version = versions.number(wired, model)
    target = packing.destination(wired, to) if push or to else ""
    with Work() as talk:
        images, pushed = (
            _brought(wired, from_image, table, target, talk)
            if from_image or table
            else _packaged(wired, version, target, talk)
        )
        image = images[0]
        told = [packing.explain(wired, one) for one in images]
        name = packing.called(wired, image, target)
        saved = packing.archive(wired, image, name, archive, progress=talk) if archive else None
        if eject:
            packing.write_out(wired, image, eject)
    folder = str(eject) if eject else None
    page.value(
        {
            "images": images,
            "explained": told,
            "pushed": pushed,
            "archive": saved,
            "ejected": folder,
        }
    )
    for one, explanation in zip(images, told, strict=True):
        show_image(page, one, explanation)
    page.line("signed and kept beside it: bill of materials, provenance, signature", "good")
    if bom:
        write_bill(bill(image.digest, store=wired.store, signer=wired.signer), bom)
        page.line(f"bill of materials (CycloneDX): {bom}", "good")
    if pushed:
        show_pushed(page, pushed)
    if saved:
        show_saved(page, saved)
    if eject:
        page.line(f"Dockerfile for {image.platform}, and all it needs: {eject}", "good")
    page.line(f"next: sealift check --model {image.model}", "info")


def _packaged(
    wired: Wired, version: int | None, target: str, talk: Work
) -> tuple[Sequence[Image], Pushed | None]:
    """The images of a model, and what was pushed of them if there is a ``target``."""
    if target:
        return packing.deliver(wired, version, target, progress=talk)
    return packing.package(wired, version, progress=talk), None


def _brought(
    wired: Wired, source: str, table: Path | None, target: str, talk: Work
) -> tuple[Sequence[Image], Pushed | None]:
    """The same for an image of others."""
    images: Sequence[Image] = [named("arrive:brought")(wired, source, table, talk)]
    return images, packing.push(wired, images, target, progress=talk) if target else None


def write_bill(content: dict[str, Value], to: Path) -> None:
    """Write a bill of materials, for people and tools to read; a file that is there is replaced."""
    with whole(to, "The bill of materials") as file:
        file.write(msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n")


def show_pushed(page: Page, pushed: Pushed) -> None:
    """A push for a person."""
    documents = f"; signed documents beside it: {pushed.referrers}" if pushed.referrers else ""
    page.line(
        f"pushed {pushed.reference}: {pushed.sent_blobs} blobs ({pushed.sent_bytes:,} bytes) sent, "
        f"{pushed.skipped_blobs + pushed.mounted_blobs} were there{documents}",
        "good",
    )
    repository = pushed.reference.rpartition(":")[0]
    for tag, kept in pushed.beside.items():
        page.line(f"{tag.rpartition('-')[2]}: {repository}:{tag}@{kept}", "info")


def show_saved(page: Page, saved: Saved) -> None:
    """An archive for a person."""
    page.line(f"archive {saved.file}: {readable(saved.size)}, {saved.platform}", "good")
    page.line(f"docker load, podman load and others call it {saved.name}", "info")


def show_image(page: Page, image: Image, told: Explanation | None) -> None:
    """An image for a person: its layers, its largest packages, and what is not as before."""
    if told is None:
        show_foreign(page, image)
        return
    page.table(
        ("layer", "stored", "unpacked", "digest", ""),
        [
            (one.layer, readable(one.size), readable(one.unpacked), short(one.digest), one.state)
            for one in told.layers
        ],
    )
    largest = (f"{one.name} {readable(one.unpacked)}" for one in told.packages[:LARGEST])
    page.line(f"largest packages: {', '.join(largest)}", "info")
    # the layers of a model change together, for one reason
    reasons = ((one.layer.partition(" ")[0], why) for one in told.layers for why in one.because)
    for role, why in dict.fromkeys(reasons):
        page.line(f"{role}: {why}", "info")
    for name in told.gone:
        page.line(f"{name}: no longer in the image", "info")
    page.line(
        f"image {image.digest}  {image.platform}, model {image.model}: {readable(told.size)}, "
        f"{readable(told.unpacked)} unpacked"
        + (f"; {readable(told.fresh)} since the image before" if told.since else ""),
        "good",
    )


def show_foreign(page: Page, image: Image) -> None:
    """An image of others for a person: its layers."""
    page.table(
        ("layer", "stored", "digest"),
        [
            (str(number), readable(one.descriptor.size), short(one.descriptor.digest))
            for number, one in enumerate(image.layers, start=1)
        ],
    )
    page.line(f"image {image.digest}  {image.platform}, model {image.model}: brought in", "good")


def show_comparisons(page: Page, compared: list[Comparison]) -> None:
    """Images made again, for a person; raises ``IntegrityError`` when one came out different."""
    page.value(compared)
    for one in compared:
        page.table(
            ("layer", "image", "made again", ""),
            [
                (
                    part.role,
                    short(part.image) if part.image else "",
                    short(part.again) if part.again else "",
                    ("same" if part.same else "DIFFERENT") if part.how == "made" else "taken",
                )
                for part in one.layers
            ],
        )
        for part in one.layers:
            page.line("\n".join(f"{part.role}: {name}" for name in part.differs), "error")
        for because in dict.fromkeys(part.because for part in one.layers if part.because):
            roles = ", ".join(dict.fromkeys(p.role for p in one.layers if p.because == because))
            page.line(f"taken as it is: {roles}: {because}", "info")
        page.line(
            f"image {one.image}  {one.platform}: "
            + ("the same bytes" if one.same else f"came out as {short(one.again)}"),
            "good" if one.same else "error",
        )
    remaking.same(compared)


__all__ = ["package", "show_image", "show_pushed"]
