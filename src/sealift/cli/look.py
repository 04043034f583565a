"""The commands that show what there is: models, doctor."""

from __future__ import annotations

import msgspec

from sealift import doctor as clinic
from sealift.cli.options import HERE, Json, Where, project
from sealift.cli.output import Page, moment, number
from sealift.digest import short
from sealift.errors import MachineError
from sealift.folders import Folders
from sealift.record.image import Image
from sealift.record.model import Model


def models(where: Where = HERE, json: Json = False) -> None:
    """List the models, with their metrics and where they came from."""
    wired, page = project(where), Page(as_json=json)
    known = wired.ledger.all(Model)
    images = {image.model: image for image in wired.ledger.all(Image)}
    page.value([packaged(model, images.get(model.version)) for model in known])
    page.table(
        ("model", "digest", "created", "from", "inputs", "metrics", "why"),
        [
            (
                str(one.version),
                short(one.digest),
                moment(one.created),
                one.run or (one.origin.reference if one.origin else ""),
                str(len(one.contract.fields)),
                " ".join(f"{name}={number(value)}" for name, value in one.metrics.items()),
                one.comment,
            )
            for one in known
        ],
        empty="no model yet; next: sealift train",
    )
    documented = [str(one.version) for one in known if (i := images.get(one.version)) and i.bom]
    if documented:
        page.line(f"with bill of materials and provenance: {', '.join(documented)}", "info")


def packaged(model: Model, image: Image | None) -> dict[str, object]:
    """A model with its newest image, and the signed documents beside that."""
    return {
        **msgspec.to_builtins(model),
        "image": image and image.digest,
        "bom": image and image.bom,
        "provenance": image and image.provenance,
    }


def doctor(where: Where = HERE, json: Json = False) -> None:
    """Say what this machine can do, and what to mend."""
    page = Page(as_json=json)
    results = clinic.examine(Folders(where.resolve()))
    page.value(results)
    page.table(
        ("check", "result", "shows"),
        [(one.name, "ok" if one.passed else "PROBLEM", one.detail or one.shows) for one in results],
    )
    for result in results:
        for finding in result.findings:
            place = f" ({finding.place})" if finding.place else ""
            page.line(f"{result.name}: {finding.message}{place}", finding.severity)
            page.line(f"  next: {finding.remedy}", "info")
    if not all(one.passed for one in results):
        raise MachineError(
            "This machine lacks something that Sealift needs.", remedy="Each finding says what."
        )
    page.line("this machine can do all that Sealift needs", "good")


__all__ = ["doctor", "models"]
