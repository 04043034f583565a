"""The chapter of images that are checked where they lie: in the store, a registry or a layout."""

from __future__ import annotations

from typing import TypeVar

from sealift import clock
from sealift.chapters import targets
from sealift.check.papers import Document, Papers
from sealift.check.policy import Shortfall, shortfalls
from sealift.check.report import seal
from sealift.check.suite import Bench, check_image
from sealift.errors import NotFoundError
from sealift.package import attached, evidence, locking, provenance
from sealift.ports import Progress
from sealift.record.image import Image
from sealift.record.lock import Lock
from sealift.record.model import Model
from sealift.record.report import Report
from sealift.record.run import Run
from sealift.train.machine import machine
from sealift.types import Digest
from sealift.wiring import Wired

T = TypeVar("T", Run, Model, Image)


def check_place(wired: Wired, place: str, *, progress: Progress) -> Report:
    """Check an image that Sealift built anywhere, sign the report and keep it in the store.

    ``place`` is the digest of an image in the store, or where one lies, as ``targets.image`` reads
    it; the image comes into the store, its model is not registered. Raises ``CheckError`` for an
    image without a model of Sealift's, ``NotFoundError``, and what registries raise.
    """
    image = targets.image(place, wired.store, wired.network, progress)
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
        platform=locking.here(),
        papers=lambda image: papers(wired, image),
    )


def papers(wired: Wired, image: Digest) -> Papers:
    """What the project, its records and the signed documents know of an image."""
    store, signer = wired.store, wired.signer
    record = recorded(wired, Image, image)
    version = record.model if record else None
    model = recorded(wired, Model, version) if version else None

    run = recorded(wired, Run, model.run) if model and model.run else None

    def provenance_() -> Document:
        return evidence.origin(image, store=store, signer=signer)

    def lock() -> Lock:
        return attached.find(provenance.told(provenance_())[0], store)

    return Papers(
        settings=wired.project.check,
        folder=wired.folders.root,
        store=store,
        bill=lambda: evidence.bill(image, store=store, signer=signer),
        provenance=provenance_,
        signed=lambda: evidence.require(image, version, store=store, signer=signer),
        lock=lock,
        locks=locking.read(wired.folders),
        image=record,
        model=model,
        run=run,
        lacking=lacking_here(run) if run else (),
    )


def lacking_here(run: Run) -> tuple[str, ...]:
    """The instructions that the machine of a run had, by its record, and this one has not."""
    here = machine(run.machine.engine).instructions
    return tuple(one for one in run.machine.instructions if one not in here) if here else ()


def lacking(wired: Wired, report: Report) -> list[Shortfall]:
    """What a report that was made here just now lacks of the project's policy."""
    return list(
        shortfalls(
            report,
            wired.signer.key_id,
            policy=wired.project.release.policy,
            checks={one.name for one in report.results},
            now=clock.now(),
        )
    )


def recorded(wired: Wired, kind: type[T], key: str | int) -> T | None:
    """A record of the project, None where it has none."""
    try:
        return wired.ledger.get(kind, key)
    except NotFoundError:
        return None


__all__ = ["bench", "check_place", "lacking", "papers"]
