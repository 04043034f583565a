"""The signed form of a report: an in-toto statement in a DSSE envelope in a Sigstore bundle.

Facts from the specifications: in-toto attestation framework, Statement v1; Dead Simple Signing
Envelope 1.0 (what is signed is its pre-authentication encoding); Sigstore bundle 0.3.
"""

from __future__ import annotations

import base64

import msgspec

from sealift import digest
from sealift.check.reading import decode
from sealift.errors import IntegrityError
from sealift.ports import Signer
from sealift.record.image import BUNDLE
from sealift.record.report import Report
from sealift.types import Digest, Json

PREDICATE = "urn:sealift:check-report:v1"
STATEMENT = "https://in-toto.io/Statement/v1"
PAYLOAD = "application/vnd.in-toto+json"


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What a statement is about."""

    name: str
    digest: dict[str, str]


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """The frame of an in-toto statement, whatever it states."""

    type: str = msgspec.field(name="_type")
    predicate_type: str = msgspec.field(name="predicateType")


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """A report about one image."""

    subject: tuple[Subject, ...]
    predicate: Report


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """One signature, in base64, and the key it was made with."""

    sig: str
    keyid: str


class Envelope(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Signed bytes, in base64."""

    payload: str
    payload_type: str
    signatures: tuple[Signature, ...]


class Bundle(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The part of a bundle that is read."""

    media_type: str
    dsse_envelope: Envelope


def pack(report: Report, signer: Signer) -> bytes:
    """The bundle of a report: the same report and signature give the same bytes."""
    payload = digest.canonical(statement(report))
    signature = signer.sign(encoded(PAYLOAD, payload))
    return digest.canonical(
        {
            "mediaType": BUNDLE,
            "verificationMaterial": {"publicKey": {"hint": signer.key_id}},
            "dsseEnvelope": {
                "payload": base64.b64encode(payload).decode(),
                "payloadType": PAYLOAD,
                "signatures": [
                    {"sig": base64.b64encode(signature).decode(), "keyid": signer.key_id}
                ],
            },
        }
    )


def statement(report: Report) -> Json:
    """The report as an in-toto statement about its image."""
    algorithm, _, value = report.subject.partition(":")
    predicate: Json = msgspec.to_builtins(report)
    return {
        "_type": STATEMENT,
        "subject": [{"name": report.project, "digest": {algorithm: value}}],
        "predicateType": PREDICATE,
        "predicate": predicate,
    }


def encoded(kind: str, payload: bytes) -> bytes:
    """What is signed: the pre-authentication encoding of DSSE.

    >>> encoded("http://example.com/HelloWorld", b"hello world")
    b'DSSEv1 29 http://example.com/HelloWorld 11 hello world'
    """
    name = kind.encode()
    return b"DSSEv1 %d %b %d %b" % (len(name), name, len(payload), payload)


def unpack(bundle: bytes, image: Digest, signer: Signer) -> Report | None:
    """The report in a bundle; None for a statement of another kind, whoever signed it.

    Raises ``IntegrityError`` when it was altered, was not signed by a known key, is about another
    image, or cannot be read.
    """
    try:
        envelope = decode(bundle, Bundle).dsse_envelope
        payload = base64.b64decode(envelope.payload, validate=True)
        kind = decode(payload, Kind)
        if (kind.type, kind.predicate_type) != (STATEMENT, PREDICATE):
            return None
        _verify(envelope, payload, signer)
        stated = decode(payload, Statement)
    except ValueError as error:
        raise IntegrityError(
            f"The report cannot be read: {error}.",
            remedy="It is damaged, or of another version of Sealift. Run `sealift check`.",
        ) from error
    _same_image(stated, image)
    return stated.predicate


def _verify(envelope: Envelope, payload: bytes, signer: Signer) -> None:
    """Raises ``IntegrityError`` unless every signature is there and fits."""
    if not envelope.signatures:
        raise IntegrityError("The report is not signed.", remedy="Run `sealift check`.")
    signed = encoded(envelope.payload_type, payload)
    for signature in envelope.signatures:
        signer.verify(signed, base64.b64decode(signature.sig, validate=True), signature.keyid)


def _same_image(stated: Statement, image: Digest) -> None:
    algorithm, _, value = image.partition(":")
    named = [one.digest.get(algorithm) for one in stated.subject]
    if named != [value] or stated.predicate.subject != image:
        raise IntegrityError(
            f"The report is about another image, {digest.short(stated.predicate.subject)}.",
            where=image,
            remedy="Run `sealift check` for this image.",
        )


__all__ = ["PREDICATE", "encoded", "pack", "unpack"]
