"""A report is kept beside its image, signed; a release demands one that is valid and passed."""

from __future__ import annotations

from sealift import attestation, clock
from sealift.check import bundle
from sealift.errors import ReleaseError
from sealift.ports import Signer, Store
from sealift.record.image import Descriptor
from sealift.record.report import Report
from sealift.types import Digest

SKEW = 300.0
"""Seconds by which two machines' clocks may differ."""


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
    max_age: float | None,
    now: float,
) -> tuple[Report, Descriptor]:
    """The newest valid report of an image, and where it is kept, if it is good enough.

    Valid: signed by a known key, not altered, about this image. Good enough: all its checks
    passed, ``checks`` are among them, and it ended at most ``max_age`` seconds before ``now``
    (None: any time before). Raises ``ReleaseError``, or ``IntegrityError`` when there are reports
    but none is valid (what is wrong with the newest).
    """
    report, kept = newest(image, store=store, signer=signer)
    failed = [result.name for result in report.results if not result.passed]
    if failed or not report.passed:
        raise _refusal(
            f"The image failed its checks: {', '.join(failed) or 'none were made'}.", image
        )
    if missing := sorted(checks - {result.name for result in report.results}):
        raise _refusal(f"The image's report lacks checks: {', '.join(missing)}.", image)
    if report.finished > now + SKEW:
        raise _refusal(
            f"The image's report is from the future: {clock.stamp(report.finished)}.", image
        )
    if max_age is not None and now - report.finished > max_age:
        raise _refusal(
            f"The image's report is too old: {clock.stamp(report.finished)} is more than "
            f"{max_age:g} s ago.",
            image,
        )
    return report, kept


def newest(image: Digest, *, store: Store, signer: Signer) -> tuple[Report, Descriptor]:
    """The valid report that ended last, whatever it says, and where it is kept.

    Raises ``ReleaseError`` when there is none, ``IntegrityError`` when none is valid.
    """
    found = attestation.valid(
        bundle.KIND, image, store, lambda content: bundle.unpack(content, image, signer)
    )
    if not found:
        raise _refusal("The image has no report of its checks.", image)
    # the last among equals: the store lists them oldest first
    return max(reversed(found), key=lambda pair: pair[0].finished)


def _refusal(what: str, image: Digest) -> ReleaseError:
    return ReleaseError(what, where=image, remedy="Run `sealift check`.")


__all__ = ["newest", "require", "seal"]
