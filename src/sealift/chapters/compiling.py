"""The chapter of environments: a version of a model as the objects of another engine."""

from __future__ import annotations

import msgspec

from sealift.adapters.registries.reference import parse as parse_reference
from sealift.chapters import versions
from sealift.errors import NotFoundError, UsageError
from sealift.kubernetes import service
from sealift.kubernetes.objects import Object, Place, Served
from sealift.kubernetes.route import route
from sealift.record.image import Image
from sealift.record.model import Model
from sealift.wiring import Wired

WHOLE = 1000
"""The weight of a version that gets all requests."""


def manifests(wired: Wired, environment: str, version: int | None) -> list[Object]:
    """The objects of a version (None: the newest) in an environment, in the order to apply them.

    Raises ``NotFoundError`` for an environment or an image that is not there.
    """
    return made(wired, placed(wired, environment), version)


def made(wired: Wired, place: Place, version: int | None) -> list[Object]:
    """The same in an environment that is not quite as the project file says."""
    served = _served(wired, place, versions.pick(wired, version))
    objects = list(service.objects(served, place))
    if gateway := place.settings.gateway:
        objects.append(route(served.service, [(served, WHOLE)], gateway, place, served.version))
    return objects


def placed(wired: Wired, environment: str) -> Place:
    """An environment of the project; with no name, the only one there is.

    Raises ``NotFoundError`` where there is none of that name.
    """
    known = wired.project.environments
    name = environment or next(iter(known), "")
    if not environment and len(known) > 1:
        raise UsageError(
            "The project has several environments.",
            where="sealift.toml: [environments]",
            remedy=f"Say --env with one of: {', '.join(known)}.",
        )
    if name not in known:
        raise NotFoundError(
            f"There is no environment {name!r}." if name else "There is no environment.",
            where="sealift.toml: [environments]",
            remedy='Write [environments.production] with engine = "kubernetes", and its namespace.',
        )
    return Place(name=name, settings=known[name])


def repository(wired: Wired, place: Place) -> str:
    """Where the cluster of an environment pulls from; ``UsageError`` where nothing is named."""
    named = place.settings.registry or wired.project.image.registry
    if not named:
        raise UsageError(
            "No registry is named that the cluster could pull from.",
            where=f"sealift.toml: [environments.{place.name}]",
            remedy="Set registry there, or image.registry for all.",
        )
    return named


def _served(wired: Wired, place: Place, model: Model) -> Served:
    """A version as the cluster pulls it: the image alone, or the index over all platforms."""
    images = _images(wired, model)
    digest = images[0].digest
    if len(images) > 1:
        digest = wired.store.resolve(f"{wired.project.name}:{model.version}-index").digest
    reference = msgspec.structs.replace(
        parse_reference(repository(wired, place)), tag="", digest=digest
    )
    return Served(
        service=wired.project.name,
        version=model.version,
        image=str(reference),
        digest=digest,
        platforms=tuple(one.platform for one in images),
        accelerator=images[0].accelerator,
        launch=model.launch,
        own=model.origin is None,
    )


def _images(wired: Wired, model: Model) -> list[Image]:
    """The newest image of a version for each platform, all with the same accelerator."""
    newest: dict[tuple[str, str], Image] = {}
    for one in wired.ledger.all(Image):
        if one.model == model.version or (model.origin and one.digest == model.origin.image):
            newest[one.accelerator, one.platform] = one
    if not newest:
        raise NotFoundError(
            f"Model {model.version} has no image yet.",
            remedy=f"Run `sealift package --model {model.version} --push`.",
        )
    first = min(newest)[0]
    return [one for (accelerator, _), one in sorted(newest.items()) if accelerator == first]


__all__ = ["made", "manifests", "placed", "repository"]
