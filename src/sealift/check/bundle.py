"""The signed form of a report: an in-toto statement in a DSSE envelope in a Sigstore bundle."""

from __future__ import annotations

import msgspec

from sealift import attestation
from sealift.attestation import PAYLOAD, Kind, encoded
from sealift.ports import Signer
from sealift.record.report import Report
from sealift.types import Digest, Json

PREDICATE = "urn:sealift:check-report:v1"
KIND = Kind(predicate=PREDICATE, noun="report", remedy="Run `sealift check`.")


def pack(report: Report, signer: Signer) -> bytes:
    """The bundle of a report: the same report and signature give the same bytes."""
    return attestation.pack(statement(report), signer)


def statement(report: Report) -> Json:
    """The report as an in-toto statement about its image."""
    predicate: Json = msgspec.to_builtins(report)
    return attestation.statement(KIND, predicate, image=report.subject, name=report.project)


def unpack(bundle: bytes, image: Digest, signer: Signer) -> Report | None:
    """The report in a bundle; None for a statement of another kind, whoever signed it.

    Raises ``IntegrityError`` when it was altered, was not signed by a known key, is about another
    image, or cannot be read.
    """
    report = attestation.unpack(KIND, bundle, image, signer, Report)
    if report is not None and report.subject != image:
        raise attestation.elsewhere(KIND, image, report.subject)
    return report


__all__ = ["KIND", "PAYLOAD", "PREDICATE", "encoded", "pack", "statement", "unpack"]
