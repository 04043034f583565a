"""Signed statements about an image, kept beside it: reports, bills of materials, provenance.

Facts from the specifications: in-toto attestation framework, Statement v1; Dead Simple Signing
Envelope 1.0 (what is signed is its pre-authentication encoding); Sigstore bundle 0.3; cosign,
bundle specification (how a bundle is kept as an OCI referrer).
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import TypeVar

import msgspec

from sealift import clock, digest
from sealift.errors import IntegrityError, NotFoundError, SealiftError
from sealift.ports import Signer, Store
from sealift.record.image import BUNDLE, EMPTY, MANIFEST, Descriptor, Manifest
from sealift.record.reading import decode
from sealift.types import Digest, Json

STATEMENT = "https://in-toto.io/Statement/v1"
PAYLOAD = "application/vnd.in-toto+json"
CONTENT_KIND = "dev.sigstore.bundle.content"
PREDICATE_KIND = "dev.sigstore.bundle.predicateType"
CREATED = "org.opencontainers.image.created"

_NAME_BYTES = 32
"""Bytes of a SHA-256 digest."""

T = TypeVar("T")


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of statement: its predicate type, its name, and the command that makes it anew."""

    predicate: str
    noun: str
    remedy: str


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What a statement is about; cosign gives it no name."""

    name: str = ""
    digest: dict[str, str]


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """The frame of an in-toto statement, whatever it states."""

    type: str = msgspec.field(name="_type")
    predicate_type: str = msgspec.field(name="predicateType")


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """What is stated, and about what."""

    subject: tuple[Subject, ...]
    predicate: msgspec.Raw


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """One signature, in base64.

    ``keyid`` is the key it was made with, in bundles that say so here: ours of before.
    """

    sig: str
    keyid: str = ""


class Envelope(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Signed bytes, in base64."""

    payload: str
    payload_type: str
    signatures: tuple[Signature, ...]


class PublicKey(msgspec.Struct, frozen=True, kw_only=True):
    """Which key to verify with: the SHA-256 of its DER form, in base64."""

    hint: str = ""


class Material(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is needed to verify, as far as it is read."""

    public_key: PublicKey = PublicKey()


class Bundle(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The part of a bundle that is read."""

    media_type: str
    verification_material: Material = Material()
    dsse_envelope: Envelope


def statement(kind: Kind, predicate: Json, *, image: Digest, name: str) -> Json:
    """An in-toto statement about an image of this name."""
    algorithm, _, value = image.partition(":")
    return {
        "_type": STATEMENT,
        "subject": [{"name": name, "digest": {algorithm: value}}],
        "predicateType": kind.predicate,
        "predicate": predicate,
    }


def encoded(kind: str, payload: bytes) -> bytes:
    """What is signed: the pre-authentication encoding of DSSE.

    >>> encoded("http://example.com/HelloWorld", b"hello world")
    b'DSSEv1 29 http://example.com/HelloWorld 11 hello world'
    """
    name = kind.encode()
    return b"DSSEv1 %d %b %d %b" % (len(name), name, len(payload), payload)


def pack(stated: Json, signer: Signer) -> bytes:
    """The bundle of a statement: the same statement and signature give the same bytes.

    The signature itself names no key: cosign skips one whose ``keyid`` is not in its own form.
    """
    payload = digest.canonical(stated)
    signature = signer.sign(encoded(PAYLOAD, payload))
    return digest.canonical(
        {
            "mediaType": BUNDLE,
            "verificationMaterial": {"publicKey": {"hint": _hint(signer.key_id)}},
            "dsseEnvelope": {
                "payload": base64.b64encode(payload).decode(),
                "payloadType": PAYLOAD,
                "signatures": [{"sig": base64.b64encode(signature).decode()}],
            },
        }
    )


def unpack(
    kind: Kind, bundle: bytes, image: Digest, signer: Signer, predicate: type[T]
) -> T | None:
    """What a bundle states; None for a statement of another kind, whoever signed it.

    Raises ``IntegrityError`` when it was altered, was not signed by a known key, is about another
    image, or cannot be read.
    """
    try:
        whole = decode(bundle, Bundle)
        envelope = whole.dsse_envelope
        payload = base64.b64decode(envelope.payload, validate=True)
        frame = decode(payload, Frame)
        if (frame.type, frame.predicate_type) != (STATEMENT, kind.predicate):
            return None
        _verify(kind, whole, payload, signer)
        stated = decode(payload, Statement)
        content = decode(bytes(stated.predicate), predicate)
    except ValueError as error:
        raise IntegrityError(
            f"The {kind.noun} cannot be read: {error}.",
            remedy=f"It is damaged, or of another version of Sealift. {kind.remedy}",
        ) from error
    algorithm, _, value = image.partition(":")
    named = [one.digest.get(algorithm, "") for one in stated.subject]
    if named != [value]:
        raise elsewhere(kind, image, named[0] if named else "")
    return content


def elsewhere(kind: Kind, image: Digest, other: str) -> IntegrityError:
    """What is said of a statement about another image than this one."""
    return IntegrityError(
        f"The {kind.noun} is about another image, {digest.short(other) or 'without a digest'}.",
        where=image,
        remedy=f"{kind.remedy.removesuffix('.')} for this image.",
    )


def _verify(kind: Kind, bundle: Bundle, payload: bytes, signer: Signer) -> None:
    """Raises ``IntegrityError`` unless every signature is there and fits."""
    envelope = bundle.dsse_envelope
    if not envelope.signatures:
        raise IntegrityError(f"The {kind.noun} is not signed.", remedy=kind.remedy)
    signed = encoded(envelope.payload_type, payload)
    for signature in envelope.signatures:
        raw = base64.b64decode(signature.sig, validate=True)
        signer.verify(signed, raw, _named(bundle, signature))


def _hint(key_id: str) -> str:
    """The name of a key as cosign writes it into a bundle.

    >>> _hint("00" * 32)
    'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='
    """
    return base64.b64encode(bytes.fromhex(key_id)).decode()


def _named(bundle: Bundle, signature: Signature) -> str:
    """The key that a signature is said to be of, in hexadecimal digits; unchecked."""
    name = signature.keyid or bundle.verification_material.public_key.hint
    try:
        raw = base64.b64decode(name, validate=True)
    except ValueError:
        return name
    return raw.hex() if len(raw) == _NAME_BYTES else name


def keep(
    kind: Kind,
    bundle: bytes,
    image: Digest,
    *,
    created: float,
    store: Store,
    media_type: str = MANIFEST,
) -> Descriptor:
    """Keep a bundle as a referrer of its image or index; the same twice is kept once.

    Raises ``NotFoundError`` if the image is not here.
    """
    with store.open(image) as blob:
        size = len(blob.read())
    content = store.put(bundle, BUNDLE)
    manifest = Manifest(
        artifact_type=BUNDLE,
        config=store.put(b"{}", EMPTY),
        layers=(content,),
        subject=Descriptor(media_type=media_type, digest=image, size=size),
        annotations={
            CONTENT_KIND: "dsse-envelope",
            PREDICATE_KIND: kind.predicate,
            CREATED: clock.stamp(created),
        },
    )
    kept = store.put(msgspec.json.encode(manifest), MANIFEST)
    return msgspec.structs.replace(kept, artifact_type=BUNDLE, annotations=manifest.annotations)


def valid(
    kind: Kind, image: Digest, store: Store, read: Callable[[bytes], T | None]
) -> list[tuple[T, Descriptor]]:
    """What the bundles beside an image state, as far as ``read`` accepts them; oldest first.

    ``read`` gives None for another kind. Raises ``IntegrityError`` when there are such bundles
    but none is valid (what is wrong with the newest).
    """
    found: list[tuple[T, Descriptor]] = []
    problem: SealiftError | None = None
    for kept in candidates(kind, image, store):
        try:
            content = read(content_of(kind, kept, store))
        except (IntegrityError, NotFoundError) as error:
            problem = error
            continue
        if content is not None:
            found.append((content, kept))
    if not found and problem is not None:
        raise problem
    return found


def candidates(kind: Kind, image: Digest, store: Store) -> list[Descriptor]:
    """The bundles beside an image that are of this kind, or do not say of which they are."""
    return [
        kept
        for kept in store.referrers(image, BUNDLE)
        if (kept.annotations or {}).get(PREDICATE_KIND, kind.predicate) == kind.predicate
    ]


def content_of(kind: Kind, kept: Descriptor, store: Store) -> bytes:
    """The bundle in a referrer. Raises ``IntegrityError`` when it holds none."""
    layers = store.manifest(kept.digest).layers
    if len(layers) != 1:
        raise IntegrityError(
            f"The {kind.noun} is not a bundle in one layer.",
            where=kept.digest,
            remedy=kind.remedy,
        )
    with store.open(layers[0].digest) as blob:
        return blob.read()


def key_of(bundle: bytes) -> str:
    """The key that a bundle says it was signed with, unchecked; empty when it says none."""
    try:
        read = decode(bundle, Bundle)
    except ValueError:
        return ""
    signatures = read.dsse_envelope.signatures
    return _named(read, signatures[0]) if signatures else ""


__all__ = [
    "PAYLOAD",
    "PREDICATE_KIND",
    "Kind",
    "candidates",
    "content_of",
    "elsewhere",
    "encoded",
    "keep",
    "key_of",
    "pack",
    "statement",
    "unpack",
    "valid",
]
