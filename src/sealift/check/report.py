"""A report is kept beside its image, signed; a release demands one that is valid and passed."""

from __future__ import annotations

from sealift import attestation
from sealift.check import bundle
from sealift.check.policy import shortfalls
from sealift.errors import ReleaseError
from sealift.ports import Signer, Store
from sealift.record.image import Descriptor
from sealift.record.policy import PolicySettings
from sealift.record.report import Report
from sealift.types import Digest


def seal(report: Report, *, signer: Signer, store: Store) -> Descriptor:
    """Sign a report and keep it as a referrer of its image; the same twice is kept once.

    A report with failed checks is kept too. Raises ``NotFoundError`` if the image is not here.
    """
    content = bundle.pack(report, signer)
    return attestation.keep(
        bundle.KIND, content, report.subject, created=report.finished, store=store
    )


def require(
    image: Digest,
    *,
    store: Store,
    signer: Signer,
    checks: set[str],
    policy: PolicySettings,
    now: float,
) -> tuple[Report, Descriptor]:
    """The newest valid report of an image, and where it is kept, if it is good enough.

    Valid: signed by a known key, not altered, about this image. Good enough: ``checks`` are in it,
    all passed, and it lacks nothing of the policy at ``now``, in seconds since 1970. Of the valid
    ones those by a key that the policy names count, if there are any. Raises ``ReleaseError``, or
    ``IntegrityError`` when there are reports but none is valid (what is wrong with the newest).
    """
    found = [(report, kept, key_of(kept, store)) for report, kept in valid(image, store, signer)]
    named = [one for one in found if one[2] in policy.signed_by]
    report, kept, key = max(reversed(named or found), key=lambda one: one[0].finished)
    for one in shortfalls(report, key, policy=policy, checks=checks, now=now):
        raise ReleaseError(one.what, where=image, remedy=one.remedy)
    return report, kept


def key_of(kept: Descriptor, store: Store) -> str:
    """The fingerprint of the key that signed a valid report."""
    return attestation.key_of(attestation.content_of(bundle.KIND, kept, store))


def newest(image: Digest, *, store: Store, signer: Signer) -> tuple[Report, Descriptor]:
    """The valid report that ended last, whatever it says, and where it is kept.

    Raises ``ReleaseError`` when there is none, ``IntegrityError`` when none is valid.
    """
    # the last among equals: the store lists them oldest first
    return max(reversed(valid(image, store, signer)), key=lambda pair: pair[0].finished)


def valid(image: Digest, store: Store, signer: Signer) -> list[tuple[Report, Descriptor]]:
    """Every valid report of an image, the oldest first; at least one."""
    found = attestation.valid(
        bundle.KIND, image, store, lambda content: bundle.unpack(content, image, signer)
    )
    if not found:
        raise ReleaseError(
            "The image has no report of its checks.", where=image, remedy="Run `sealift check`."
        )
    return found


__all__ = ["newest", "require", "seal"]
