"""The chapter of sharing: models go to registries, and come from there with signed records."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from sealift import attestation, clock, digest
from sealift.adapters.registries.pull import pull as fetch
from sealift.adapters.registries.push import push as send
from sealift.adapters.registries.reference import parse
from sealift.adapters.registries.session import Access
from sealift.attestation import Kind
from sealift.chapters import versions
from sealift.chapters.keeping import CARD, keep, keep_again
from sealift.errors import IntegrityError, NotFoundError, UsageError
from sealift.package import evidence
from sealift.package.artifact import is_whole
from sealift.package.unpack import write_files
from sealift.ports import Progress
from sealift.record.image import MANIFEST, MODEL_MANIFEST, Descriptor
from sealift.record.mark import Mark
from sealift.record.model import Model, Pull
from sealift.record.run import Run
from sealift.record.transfer import Pushed
from sealift.types import Digest, Json
from sealift.wiring import Wired

RECORD = Kind(
    predicate="urn:sealift:model:v1",
    noun="record of the model",
    remedy="Have it pushed again: sealift models push.",
)


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What goes with a model: its record, that of its run, and what was said of it."""

    model: Model
    run: Run | None = None
    marks: tuple[Mark, ...] = ()


def push(wired: Wired, model: Model, reference: str, *, progress: Progress) -> Pushed:
    """Send a model's artifact with its signed record, under the reference and its aliases.

    Without a tag in ``reference`` it is ``VERSION-model``, as in a repository of images. Raises
    ``UsageError`` for a model without files of its own, and what registries raise.
    """
    if model.origin is not None:
        raise UsageError(
            f"Model {model.version} was brought in: its files are in its image.",
            where=model.origin.reference,
            remedy=f"Push that: sealift package --model {model.version} --to HOST/REPOSITORY.",
        )
    place = parse(reference)
    if place.digest:
        raise UsageError(
            "A push has a tag, not a digest.", where=reference, remedy="Write HOST/REPOSITORY:TAG."
        )
    if not place.tag:
        place = msgspec.structs.replace(place, tag=f"{model.version}-model")
    marks = versions.marks(wired)
    document = Record(
        model=model,
        run=_run(wired, model),
        marks=marks.of("model", model.version),
    )
    artifact = _artifact(wired, model.digest)
    called = f"{model.name}:{model.version}"
    for kind, content in ((RECORD, msgspec.to_builtins(document)), (evidence.SIGNATURE, {})):
        evidence.seal(
            kind, content, artifact, called, model.created, store=wired.store, signer=wired.signer
        )
    progress.step("push", f"to {place}")
    return send(
        wired.store,
        model.digest,
        str(place),
        beside=dict.fromkeys(marks.aliases_of(model.version), model.digest),
        access=Access(wired.network),
        progress=progress,
    )


def pull(wired: Wired, reference: str, *, progress: Progress) -> tuple[Model, bool]:
    """Bring a model in, and whether it is new here; its record has to be signed by a known key.

    The same bytes as a model that is there already are that version. Every digest is checked.
    Raises ``UsageError`` for what is no model of Sealift's, ``IntegrityError`` for one that was
    altered or signed by a stranger, and what registries raise.
    """
    place = parse(reference)
    progress.step("pull", f"from {place}")
    address = fetch(str(place), wired.store, access=Access(wired.network), progress=progress)
    if _kind(wired, address) != MODEL_MANIFEST:
        raise UsageError(
            "This is no artifact of a model.",
            where=str(place),
            remedy="An image of a model is brought in by sealift package --from-image.",
        )
    record = _record(wired, address)
    with wired.ledger.exclusive("models"):
        same = (one for one in wired.ledger.all(Model) if one.content == record.model.content)
        known = next(same, None)
        if known is None:
            model = _registered(wired, record, str(place), address)
        else:
            model = _kept(wired, record, known, address)
        _take_over(wired, record, model)
    return model, known is None


def _run(wired: Wired, model: Model) -> Run | None:
    return None if model.run is None else wired.ledger.get(Run, model.run)


def _artifact(wired: Wired, address: Digest) -> Descriptor:
    with wired.store.open(address) as blob:
        size = len(blob.read())
    return Descriptor(media_type=MANIFEST, digest=address, size=size)


def _kind(wired: Wired, address: Digest) -> str | None:
    try:
        return wired.store.manifest(address).artifact_type
    except IntegrityError:
        return None  # an index, which has no layers


def _record(wired: Wired, address: Digest) -> Record:
    """The newest record beside an artifact that a known key signed."""

    def read(bundle: bytes) -> Record | None:
        return attestation.unpack(RECORD, bundle, address, wired.signer, Record)

    found = attestation.valid(RECORD, address, wired.store, read)
    if not found:
        raise NotFoundError(
            "The model has no record beside it.", where=address, remedy=RECORD.remedy
        )
    record = found[-1][0]
    if record.model.digest != address:
        raise IntegrityError(
            "The record beside the model is about another one.", where=address, remedy=RECORD.remedy
        )
    return record


def _kept(wired: Wired, record: Record, known: Model, address: Digest) -> Model:
    """A model that is registered already, its files kept again if the store lost any."""
    if is_whole(wired.store, known.digest):
        return known
    with _files(wired, record, address) as (folder, _):
        return keep_again(wired, known, folder) or known


def _registered(wired: Wired, record: Record, reference: str, address: Digest) -> Model:
    """Give a model that came from elsewhere a version of this project."""
    with _files(wired, record, address) as (folder, card):
        name, version = wired.project.name, wired.ledger.next_version()
        kept = keep(wired, folder, {**card, "name": name, "version": version})
    there = record.model
    return msgspec.structs.replace(
        there,
        name=name,
        version=version,
        digest=kept,
        created=clock.now(),
        pulled=Pull(reference=reference, digest=address, name=there.name, version=there.version),
    )


@contextmanager
def _files(wired: Wired, record: Record, address: Digest) -> Iterator[tuple[Path, dict[str, Json]]]:
    """A folder of the files that came, without their card, and what that says; gone afterwards."""
    folder = wired.folders.state / "pulled" / clock.token()
    try:
        write_files(wired.store, address, folder)
        card = msgspec.json.decode((folder / CARD).read_bytes(), type=dict)
        (folder / CARD).unlink()
        if digest.of_tree(folder) != record.model.content:
            raise IntegrityError(
                "The files of the model are not those of its record.",
                where=address,
                remedy=RECORD.remedy,
            )
        yield folder, card
    except (msgspec.DecodeError, FileNotFoundError) as error:
        raise IntegrityError(
            f"The model's {CARD} cannot be read: {error}.", where=address, remedy=RECORD.remedy
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _take_over(wired: Wired, record: Record, model: Model) -> None:
    """Keep the run of a model, its tags and notes, and the model itself last.

    Its aliases are those of the project it came from, and stay there.
    """
    runs = {run.id for run in wired.ledger.heads()}
    if record.run is not None and record.run.id not in runs:
        wired.ledger.save(record.run)
    marks = {mark.id for mark in wired.ledger.all(Mark)}
    for mark in record.marks:
        if mark.kind != "alias" and mark.id not in marks:
            wired.ledger.save(msgspec.structs.replace(mark, key=str(model.version)))
    wired.ledger.save(model)


__all__ = ["RECORD", "Record", "pull", "push"]
