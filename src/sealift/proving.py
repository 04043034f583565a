"""The chapter of images that are checked where they lie: in the store, a registry or a layout."""

from __future__ import annotations

from sealift.adapters.images.arrive import arrive
from sealift.adapters.images.source import parse
from sealift.adapters.registries.session import Access
from sealift.check.report import seal
from sealift.check.suite import Bench, check_image
from sealift.errors import NotFoundError
from sealift.package import locking
from sealift.ports import Progress
from sealift.record.report import Report
from sealift.types import Digest
from sealift.wiring import Wired


def check_place(wired: Wired, place: str, *, progress: Progress) -> Report:
    """Check an image that Sealift built anywhere, sign the report and keep it in the store.

    ``place`` is the digest of an image in the store, or where one lies, as ``source.parse`` reads
    it; the image comes into the store, its model is not registered. Raises ``CheckError`` for an
    image without a model of Sealift's, ``NotFoundError``, and what registries raise.
    """
    image = found(wired, place, progress)
    report = check_image(
        image, bench(wired), project=wired.project.name, model=None, progress=progress
    )
    seal(report, signer=wired.signer, store=wired.store)
    return report


def bench(wired: Wired) -> Bench:
    """Where images are checked, by the project's own checks too."""
    return Bench(
        engine=wired.engine,
        store=wired.store,
        live=wired.folders.live,
        labels={"sealift.project": str(wired.folders.root)},
        own=wired.folders.checks,
    )


def found(wired: Wired, place: str, progress: Progress) -> Digest:
    """The digest of the image, which is in the store then."""
    if place.startswith("sha256:"):
        if not wired.store.has(Digest(place)):
            raise NotFoundError(
                "There is no such image in the store.",
                where=place,
                remedy="`sealift models` lists the images by model; name a registry's with its "
                "repository.",
            )
        return Digest(place)
    progress.step("image", f"from {place}")
    access = Access(wired.network)
    source = parse(place)
    return arrive(source, wired.store, platform=locking.here(), access=access, progress=progress)


__all__ = ["bench", "check_place"]
