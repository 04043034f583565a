"""The whole way of the model into the image is told, signed, and agrees with itself.

Source: SLSA provenance v1 (``resolvedDependencies``, ``runDetails``).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from sealift.check.check import Check, error, info, spared, warning
from sealift.check.papers import UNKNOWN, Document, Papers
from sealift.check.target import Target
from sealift.digest import of_file
from sealift.errors import CheckError
from sealift.record.reading import decode
from sealift.record.report import Finding
from sealift.types import Digest

AGAIN = "Run `sealift package` again; what it signs then belongs together."
NEEDED = ("code", "step image", "model", "sealift.lock")
"""What every provenance has to name, each by its digest."""
_LAYER = "layer/"
_DATA = "data/"


class Material(msgspec.Struct, frozen=True):
    """Something that went into the image."""

    name: str = ""
    digest: dict[str, str] = {}

    @property
    def sha256(self) -> Digest:
        """Its digest; empty where it has another kind of one."""
        value = self.digest.get("sha256", "")
        return Digest(f"sha256:{value}" if value else "")


class _Build(msgspec.Struct, frozen=True, rename="camel"):
    resolved_dependencies: tuple[Material, ...] = ()


class _Metadata(msgspec.Struct, frozen=True, rename="camel"):
    invocation_id: str = ""


class _Details(msgspec.Struct, frozen=True):
    metadata: _Metadata = _Metadata()


class Told(msgspec.Struct, frozen=True, rename="camel"):
    """A provenance, as far as it is compared."""

    build_definition: _Build = _Build()
    run_details: _Details = _Details()

    @property
    def run(self) -> str:
        """The id of the run that gave the model."""
        return self.run_details.metadata.invocation_id

    @property
    def materials(self) -> dict[str, Digest]:
        """What went in, by name; packages, which have none, are left out."""
        found = self.build_definition.resolved_dependencies
        return {one.name: one.sha256 for one in found if one.name}


class _Card(msgspec.Struct, frozen=True):
    run: str = ""


def findings(target: Target) -> Iterator[Finding]:
    """Compare the provenance with the image, with the model in it, and with the records."""
    papers = target.papers
    if papers is None:
        yield spared(UNKNOWN)
        return
    papers.signed()
    if papers.model is not None and papers.model.origin is not None:
        yield spared("others built the image; where it was brought in from is told and signed.")
        return
    told = read(papers.provenance())
    yield from complete(told)
    yield from of_image(target, papers, told)
    yield from of_files(target)
    yield from of_records(papers, told)
    papers.lock()
    data = sum(name.startswith(_DATA) for name in told.materials)
    yield info(
        f"run {told.run}: code, {data} data snapshots, step image, lock and model, each by its "
        "digest; bill of materials, provenance and image are signed"
    )


def read(document: Document) -> Told:
    """A provenance as a record. Raises ``CheckError`` for another form."""
    try:
        return msgspec.convert(document, Told)
    except msgspec.ValidationError as reason:
        raise CheckError(
            f"The provenance cannot be read: {reason}.", where="provenance", remedy=AGAIN
        ) from reason


def complete(told: Told) -> Iterator[Finding]:
    """Nothing is missing, and all of it has a digest."""
    for name in NEEDED:
        if not told.materials.get(name):
            yield error(f"The provenance does not name the {name}.", remedy=AGAIN)
    for name, digest in told.materials.items():
        if name.startswith(_DATA) and not digest:
            yield error("A data snapshot has no digest.", place=name, remedy=AGAIN)
    if not told.run:
        yield error("The provenance does not say which run gave the model.", remedy=AGAIN)


def of_image(target: Target, papers: Papers, told: Told) -> Iterator[Finding]:
    """The layers that it names are those of the image, and the model is the one it names."""
    manifest = papers.store.manifest(target.subject.image)
    there = {one.digest for one in manifest.layers}
    for one in told.build_definition.resolved_dependencies:
        if one.name.startswith(_LAYER) and one.sha256 not in there:
            yield error(
                "The provenance names a layer that the image does not have.",
                place=f"{one.name} {one.sha256}",
                remedy=AGAIN,
            )
    yield from of_model(papers, told, there)
    run = card(Path(target.subject.root)).run
    if run != told.run:
        yield error(
            f"The model in the image is of run {run or 'unknown'}, the provenance tells of run "
            f"{told.run or 'unknown'}.",
            place="/model/model.json",
            remedy=AGAIN,
        )


def of_model(papers: Papers, told: Told, there: set[Digest]) -> Iterator[Finding]:
    """Each file of the model's artifact is a layer of the image."""
    artifact = told.materials.get("model", Digest(""))
    if not artifact or not papers.store.has(artifact):
        if papers.model is not None:
            yield error("The artifact of the model is not in the store.", place=artifact)
        return
    for layer in papers.store.manifest(artifact).layers:
        if layer.digest not in there:
            title = (layer.annotations or {}).get("org.opencontainers.image.title", "")
            yield error(
                "A file of the model that the provenance names is not in the image.",
                place=f"{title} {layer.digest}".strip(),
                remedy=AGAIN,
            )


def of_files(target: Target) -> Iterator[Finding]:
    """The files of the model that run are, byte for byte, those of the image's layers."""
    shipped = {path: one for layer in target.shipped for path, one in layer.digests.items()}
    for path, wanted in sorted(shipped.items()):
        file = Path(target.subject.root) / path[1:]
        if not file.is_file() or file.is_symlink() or of_file(file) != wanted:
            yield error(
                "A file of the model was changed after the image was made.",
                place=path,
                remedy="Delete .sealift/unpacked: the image is then unpacked anew, and its digests "
                "are checked.",
            )


def card(root: Path) -> _Card:
    """What the model in an image says of its run."""
    try:
        return decode((root / "model" / "model.json").read_bytes(), _Card)
    except (OSError, ValueError):
        return _Card()


def of_records(papers: Papers, told: Told) -> Iterator[Finding]:
    """The records of the run, the model and the image say the same."""
    run, model, image = papers.run, papers.model, papers.image
    if run is None:
        yield info("the run is not known here: its record stays where the model was trained")
        return
    pairs: list[tuple[str, str, str]] = [
        ("run", told.run, run.id),
        ("code", told.materials.get("code", ""), run.code.digest),
        ("step image", told.materials.get("step image", ""), run.image),
    ]
    pairs += [
        (f"{_DATA}{name}", told.materials.get(f"{_DATA}{name}", ""), pinned.digest)
        for name, pinned in sorted(run.snapshots.items())
    ]
    if model is not None:
        pairs.append(("model", told.materials.get("model", ""), model.digest))
    if image is not None:
        pairs.append(("sealift.lock", told.materials.get("sealift.lock", ""), str(image.lock)))
    for name, stated, recorded in pairs:
        if stated != recorded:
            yield error(
                f"The provenance and the records differ about {name}: {stated or 'nothing'}, and "
                f"{recorded or 'nothing'}.",
                place=f"run {run.id}",
                remedy=AGAIN,
            )
    if not papers.store.has(run.code.digest):
        yield error(
            "The code of the run is no longer in the store.",
            place=f"run {run.id}, {run.code.digest}",
            remedy="Train again: a model whose code is lost cannot be made again.",
        )
    if not run.code.commit:
        yield warning(
            "The run names no commit: the project was under no version control.",
            place=f"run {run.id}",
            remedy="Put the project into git, and train again.",
        )


CHECK = Check(
    name="lineage",
    shows="Run, code, data, lock and model are told, signed, and their digests agree.",
    findings=findings,
    needs="image",
)

__all__ = ["CHECK"]
