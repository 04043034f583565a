"""What lies signed beside a serving image: bill of materials, provenance, and its signature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from sealift import attestation, clock
from sealift.attestation import Kind
from sealift.errors import IntegrityError, ReleaseError, SealiftError
from sealift.package import bom, brought, provenance, whole
from sealift.package.brought import Brought
from sealift.package.contents import Reader
from sealift.package.making import Making
from sealift.package.notes import Notes
from sealift.ports import Signer, Store
from sealift.record.image import MANIFEST, Descriptor
from sealift.types import Digest, Json

_REMEDY = "Run `sealift package`."
BOM = Kind(predicate="https://cyclonedx.org/bom", noun="bill of materials", remedy=_REMEDY)
PROVENANCE = Kind(predicate="https://slsa.dev/provenance/v1", noun="provenance", remedy=_REMEDY)
SIGNATURE = Kind(
    predicate="https://sigstore.dev/cosign/sign/v1", noun="cosign signature", remedy=_REMEDY
)
"""A statement that says nothing but which image is meant: what cosign takes for its signature."""
KINDS = (BOM, PROVENANCE, SIGNATURE)

Document = dict[str, Json]


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Where the documents about an image are kept, and the bill of materials itself."""

    bom: Descriptor
    provenance: Descriptor
    signature: Descriptor
    bill: Document


def attest(made: Making, *, store: Store, signer: Signer, notes: Path) -> Evidence:
    """Make, sign and keep the documents of an image, in place of those that this key signed before.

    ``notes`` is a folder for what was read of layers, so that each is read once.
    """
    bill = bom.document(made, _held(made, store, Reader(store, notes)), Notes(notes))
    seal = _Sealing(made.image.digest, made.run.project, store, signer)
    ended = made.run.started if made.run.finished is None else made.run.finished
    return Evidence(
        bom=seal(BOM, bill, clock.EPOCH),
        provenance=seal(PROVENANCE, provenance.predicate(made), ended),
        signature=seal(SIGNATURE, {}, ended),
        bill=bill,
    )


def _held(made: Making, store: Store, reader: Reader) -> list[bom.Held]:
    """What the layers hold; where others built the base, the image as a whole tells of that."""
    founded = made.lock.foundation
    layers = [
        layer
        for layer in made.image.layers
        if layer.role != "model" and not (founded and layer.role == "base")
    ]
    above: list[bom.Held] = [(layer, reader.contents(layer)) for layer in layers]
    if founded is None:
        return above
    known = {wheel.name for _, held in above for wheel in held.wheels}
    all_ = whole.look(store.rootfs(made.image.digest)).contents
    below = tuple(wheel for wheel in all_.wheels if wheel.name not in known)
    return [(None, msgspec.structs.replace(all_, wheels=below)), *above]


def attest_brought(one: Brought, *, store: Store, signer: Signer) -> Evidence:
    """Make, sign and keep the documents of an image of others, beside those that came with it."""
    bill = brought.bill(one, whole.look(store.rootfs(one.image.digest)))
    seal = _Sealing(one.image.digest, one.project, store, signer)
    return Evidence(
        bom=seal(BOM, bill, clock.EPOCH),
        provenance=seal(PROVENANCE, brought.predicate(one), one.model.created),
        signature=seal(SIGNATURE, {}, one.model.created),
        bill=bill,
    )


def sign(one: Descriptor, name: str, created: float, *, store: Store, signer: Signer) -> Descriptor:
    """Sign an index or an artifact, as images are signed, in place of this key's signature of it.

    A tag may name one: whoever verifies by tag looks for the signature of what it leads to.
    """
    return seal(SIGNATURE, {}, one, name, created, store=store, signer=signer)


def seal(
    kind: Kind,
    document: Document,
    one: Descriptor,
    name: str,
    created: float,
    *,
    store: Store,
    signer: Signer,
) -> Descriptor:
    """Sign a document of any kind about an index or an artifact, in place of this key's own."""
    return _Sealing(one.digest, name, store, signer, one.media_type)(kind, document, created)


@dataclass(frozen=True)
class _Sealing:
    """Signs documents about an image and keeps them, in place of this key's own of before."""

    image: Digest
    name: str
    store: Store
    signer: Signer
    media_type: str = MANIFEST

    def __call__(self, kind: Kind, document: Document, created: float) -> Descriptor:
        stated = attestation.statement(kind, document, image=self.image, name=self.name)
        bundle = attestation.pack(stated, self.signer)
        kept = attestation.keep(
            kind, bundle, self.image, created=created, store=self.store, media_type=self.media_type
        )
        _forget_others(kind, kept, self.image, self.store, self.signer)
        return kept


def _forget_others(
    kind: Kind, kept: Descriptor, image: Digest, store: Store, signer: Signer
) -> None:
    """Forget the documents of this kind that came before, but those that others signed."""
    for one in attestation.candidates(kind, image, store):
        if one.digest != kept.digest and _replaced(kind, one, store, signer):
            store.forget(one.digest)


def _replaced(kind: Kind, one: Descriptor, store: Store, signer: Signer) -> bool:
    if (one.annotations or {}).get(attestation.PREDICATE_KIND) != kind.predicate:
        return False
    try:
        return attestation.key_of(attestation.content_of(kind, one, store)) in ("", signer.key_id)
    except SealiftError:
        return True


def require(image: Digest, model: int | None, *, store: Store, signer: Signer) -> None:
    """Raise unless the image of a model has all of KINDS, unaltered, by a known key, about it.

    ``model`` is its version, None for one from elsewhere.

    Raises ``ReleaseError`` for one that is missing, ``IntegrityError`` for one that does not hold.
    """
    for kind in KINDS:
        command = f"sealift package --model {model}" if model else "sealift package"
        again = msgspec.structs.replace(kind, remedy=f"Run `{command}`.")
        if not _found(again, image, store, signer):
            raise _missing(again, image)


def _missing(kind: Kind, image: Digest) -> ReleaseError:
    return ReleaseError(
        f"The image has no {kind.noun}.",
        where=image,
        remedy=f"{kind.remedy.removesuffix('.')} again: images of an older Sealift lack it.",
    )


def bill(image: Digest, *, store: Store, signer: Signer) -> Document:
    """The bill of materials of an image, the newest that is valid.

    Raises ``ReleaseError`` where there is none, ``IntegrityError`` where none is valid.
    """
    found = _found(BOM, image, store, signer)
    if not found:
        raise _missing(BOM, image)
    return found[-1]


def origin(image: Digest, *, store: Store, signer: Signer) -> Document:
    """The provenance of an image, the newest that is valid.

    Raises ``ReleaseError`` where there is none, ``IntegrityError`` where none is valid.
    """
    found = _found(PROVENANCE, image, store, signer)
    if not found:
        raise _missing(PROVENANCE, image)
    return found[-1]


def _found(kind: Kind, image: Digest, store: Store, signer: Signer) -> list[Document]:
    def read(content: bytes) -> Document | None:
        document: Document | None = attestation.unpack(kind, content, image, signer, dict)
        if document is not None:
            _CONFIRM[kind.predicate](kind, document, image)
        return document

    try:
        return [document for document, _ in attestation.valid(kind, image, store, read)]
    except IntegrityError as error:
        if kind.noun in error.what:
            raise
        raise IntegrityError(
            f"The {kind.noun} of the image is refused. {error.what}",
            where=error.where or image,
            remedy=f"{error.remedy} {kind.remedy}".strip(),
        ) from error


def _own_bill(kind: Kind, document: Document, image: Digest) -> None:
    if document.get("serialNumber") != bom.serial_number(image):
        raise attestation.elsewhere(kind, image, str(document.get("serialNumber", "")))


def _bare(kind: Kind, document: Document, image: Digest) -> None:
    if document:
        raise IntegrityError(
            f"The {kind.noun} states more than which image it signs: {', '.join(document)}.",
            where=image,
            remedy=kind.remedy,
        )


def _own_provenance(kind: Kind, document: Document, image: Digest) -> None:
    definition = document.get("buildDefinition")
    build = definition.get("buildType") if isinstance(definition, dict) else None
    if build not in (provenance.BUILD_TYPE, brought.BUILD_TYPE):
        raise IntegrityError(
            f"The {kind.noun} tells of another kind of build, {build!r}.",
            where=image,
            remedy=kind.remedy,
        )


_CONFIRM: dict[str, Callable[[Kind, Document, Digest], None]] = {
    BOM.predicate: _own_bill,
    PROVENANCE.predicate: _own_provenance,
    SIGNATURE.predicate: _bare,
}


__all__ = [
    "BOM",
    "KINDS",
    "PROVENANCE",
    "SIGNATURE",
    "Evidence",
    "attest",
    "attest_brought",
    "bill",
    "origin",
    "require",
    "seal",
    "sign",
]
