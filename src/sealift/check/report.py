"""A report is kept beside its image, signed; a release demands one that is valid and passed."""

from __future__ import annotations

import msgspec

from sealift import clock
from sealift.check import bundle
from sealift.errors import IntegrityError, NotFoundError, ReleaseError, SealiftError
from sealift.ports import Signer, Store
from sealift.record.image import BUNDLE, EMPTY, MANIFEST, Descriptor, Manifest
from sealift.record.report import Report
from sealift.types import Digest

CONTENT_KIND = "dev.sigstore.bundle.content"
PREDICATE_KIND = "dev.sigstore.bundle.predicateType"
CREATED = "org.opencontainers.image.created"
SKEW = 300.0
"""Seconds by which two machines' clocks may differ."""


def seal(report: Report, *, signer: Signer, store: Store) -> Descriptor:
    """Sign a report and keep it as a referrer of its image; the same twice is kept once.

    A report with failed checks is kept too. Raises ``NotFoundError`` if the image is not here.
    """
    with store.open(report.subject) as image:
        size = len(image.read())
    content = store.put(bundle.pack(report, signer), BUNDLE)
    manifest = Manifest(
        artifact_type=BUNDLE,
        config=store.put(b"{}", EMPTY),
        layers=(content,),
        subject=Descriptor(media_type=MANIFEST, digest=report.subject, size=size),
        annotations={
            CONTENT_KIND: "dsse-envelope",
            PREDICATE_KIND: bundle.PREDICATE,
            CREATED: clock.stamp(report.finished),
        },
    )
    kept = store.put(msgspec.json.encode(manifest), MANIFEST)
    return msgspec.structs.replace(kept, artifact_type=BUNDLE, annotations=manifest.annotations)


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
    valid: list[tuple[Report, Descriptor]] = []
    problem: SealiftError | None = None
    for kept in store.referrers(image, BUNDLE):
        try:
            report = _read(kept, image, store, signer)
        except (IntegrityError, NotFoundError) as error:
            problem = error
            continue
        if report is not None:
            valid.append((report, kept))
    if valid:
        # the last among equals: the store lists them oldest first
        return max(reversed(valid), key=lambda pair: pair[0].finished)
    if problem is not None:
        raise problem
    raise _refusal("The image has no report of its checks.", image)


def _read(kept: Descriptor, image: Digest, store: Store, signer: Signer) -> Report | None:
    layers = store.manifest(kept.digest).layers
    if len(layers) != 1:
        raise IntegrityError(
            "The report is not a bundle in one layer.",
            where=kept.digest,
            remedy="Run `sealift check`.",
        )
    with store.open(layers[0].digest) as blob:
        content = blob.read()
    return bundle.unpack(content, image, signer)


def _refusal(what: str, image: Digest) -> ReleaseError:
    return ReleaseError(what, where=image, remedy="Run `sealift check`.")


__all__ = ["newest", "require", "seal"]
