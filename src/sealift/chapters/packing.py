"""The chapter of packaging: a model becomes images, with what is signed beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from sealift.adapters.images.source import registry_of
from sealift.adapters.registries.push import Pushing
from sealift.adapters.registries.reference import Reference
from sealift.adapters.registries.reference import parse as parse_reference
from sealift.adapters.registries.repositories import Repositories
from sealift.adapters.registries.session import Access
from sealift.chapters import versions
from sealift.errors import NotFoundError, UsageError
from sealift.folders import downloads
from sealift.package import attached, content, eject, evidence, locking
from sealift.package import explain as explaining
from sealift.package.artifact import is_whole, unproved_layers
from sealift.package.contents import Reader
from sealift.package.index import Faces, faces
from sealift.package.making import Making, project_file
from sealift.package.portable import save
from sealift.ports import Progress
from sealift.record.explanation import Explanation
from sealift.record.image import Descriptor, Image
from sealift.record.lock import Lock, Variant
from sealift.record.model import Model
from sealift.record.run import Run
from sealift.record.transfer import Pushed, Saved
from sealift.types import Digest
from sealift.wiring import Wired

Leaving = Callable[[Iterable[Descriptor]], None]
"""Hears of blobs of the images as soon as they may leave, before anything names them."""


def package(
    wired: Wired, version: int | None, *, progress: Progress, leaving: Leaving = lambda _: None
) -> tuple[Image, ...]:
    """Build the serving images of a model version (None: the newest), one for each variant.

    That for this machine, if it is among them, comes first. A model that was brought in has the
    image that it came in. The bill of materials and the provenance of each are signed and kept
    beside it, and its signature.
    """
    model = versions.pick(wired, version)
    if model.origin is not None:
        return (versions.image_of(wired, model),)
    if not is_whole(wired.store, model.digest):
        raise NotFoundError(
            f"Files of model {model.version} are no longer in the store.",
            where=str(wired.folders.layout),
            remedy="Run `sealift train`: the same model is kept again under its version. One that "
            "was pushed comes back by sealift models pull.",
        )
    settings = wired.project.model
    content.require(model, settings.allow if settings else (), store=wired.store)
    with wired.ledger.exclusive("package"):
        leaving(layer.descriptor for layer in unproved_layers(wired.store, model.digest))
        built = [_image(wired, model, variant, progress) for variant in variants(wired)]
        leaving(layer.descriptor for image, _ in built for layer in image.layers)
        made = tuple(_attested(wired, image, model, lock) for image, lock in built)
        tie(wired, made)
    for image in made:
        wired.ledger.save(image)
    return made


def explain(wired: Wired, image: Image) -> Explanation | None:
    """An image explained, compared with the newest other one for the same platform.

    None for an image that others built: nobody here knows what its layers are for.
    """
    if image.lock is None:
        return None
    reader = Reader(wired.store, wired.folders.state / "contents")
    contents = [reader.contents(layer) for layer in image.layers]
    lock = attached.find(image.lock, wired.store)
    return explaining.explain(image, lock, contents, _before(wired, image))


def _before(wired: Wired, image: Image) -> tuple[Image, Lock] | None:
    others = [
        one
        for one in wired.ledger.all(Image)
        if (one.platform, one.accelerator) == (image.platform, image.accelerator)
        and one.model is not None
        and one.digest != image.digest
    ]
    last = next((one for one in reversed(others) if one.lock is not None), None)
    if last is None or last.lock is None or not wired.store.has(last.lock):
        return None  # an image of a Sealift that did not keep locks yet
    return last, attached.find(last.lock, wired.store)


def variants(wired: Wired) -> list[Variant]:
    """What serving images are made for, this machine without a card first if it is among them."""
    here = Variant(platform=locking.here())
    settings = wired.project.image
    wanted = {
        Variant(platform=platform, accelerator=accelerator)
        for platform in settings.platforms or [locking.here()]
        for accelerator in settings.accelerators or ["cpu"]
    }
    return sorted(wanted, key=lambda one: (one != here, one.accelerator, one.platform))


def destination(wired: Wired, reference: str) -> str:
    """Where images are pushed: ``reference``, else what the project file says.

    That is image.registry, or where the environments pull from if it is one place. Raises
    ``UsageError`` for what is no reference, or when there is none.
    """
    named = reference or wired.project.image.registry
    pulled = {one.registry for one in wired.project.environments.values()} - {""}
    if not named and len(pulled) > 1:
        raise UsageError(
            f"The environments pull from several registries: {', '.join(sorted(pulled))}.",
            remedy="Set image.registry in sealift.toml, or say --to HOST/REPOSITORY:TAG.",
        )
    if not named and not pulled:
        raise UsageError(
            "No registry is named.",
            remedy="Set image.registry in sealift.toml, or say --to HOST/REPOSITORY:TAG.",
        )
    return str(parse_reference(named or pulled.pop()))


def tie(wired: Wired, images: Sequence[Image]) -> Faces:
    """Tie the serving images of a model, its volume and its artifact together by an index.

    They are named in the store beside this machine's image: ``NAME:VERSION-index`` and so on, and
    each is signed, since a tag in a registry leads to it.
    """
    model = versions.pick(wired, images[0].model)
    made = faces(wired.store, model.digest, images)
    name = f"{wired.project.name}:{model.version}"
    named = {"model": made.model, "volume": made.volume, "index": made.index}
    named |= {f"index-{accelerator}": one for accelerator, one in made.others.items()}
    for suffix, one in named.items():
        wired.store.tag(f"{name}-{suffix}", one)
        evidence.sign(
            one, wired.project.name, model.created, store=wired.store, signer=wired.signer
        )
    return made


def deliver(
    wired: Wired, version: int | None, target: str, *, progress: Progress
) -> tuple[tuple[Image, ...], Pushed]:
    """Build the serving images of a model version and push them: ``package``, then ``push``.

    The weights leave at once, the other layers as soon as the images are proved, while the rest is
    made and signed.
    """
    with _pushing(wired, target, progress) as going:
        images = package(wired, version, progress=progress, leaving=going.ahead)
        return images, _finish(wired, images, target, going, progress)


def push(wired: Wired, images: Sequence[Image], target: str, *, progress: Progress) -> Pushed:
    """Send the images of a model, its volume and its artifact to a registry, with all about them.

    The tag names the index of them all; without a tag or a digest in ``target`` it is the version
    of the model. An image that others built goes as it came, since its model is inside of it.
    Large blobs that repositories of earlier pushes have are mounted from there.
    """
    with _pushing(wired, target, progress) as going:
        return _finish(wired, images, target, going, progress)


@contextmanager
def _pushing(wired: Wired, target: str, progress: Progress) -> Iterator[Pushing]:
    place = parse_reference(target)
    known = Repositories(downloads() / "repositories.json")
    below = _below(wired, place)
    beside = [one for one in known.beside(place.host, place.repository) if one not in below]
    access = Access(wired.network, sources=below, guesses=tuple(beside))
    with Pushing(wired.store, target, access=access, progress=progress) as going:
        yield going
    known.add(place.host, place.repository)


def _finish(
    wired: Wired, images: Sequence[Image], target: str, going: Pushing, progress: Progress
) -> Pushed:
    place = parse_reference(target)
    if not place.tag and not place.digest:
        place = msgspec.structs.replace(place, tag=str(images[0].model))
    root, tags = images[0].digest, dict[str, Digest]()
    if versions.pick(wired, images[0].model).origin is None:
        made = tie(wired, images)
        root = made.index.digest
        if place.tag and not place.digest:
            tags = {tag: one.digest for tag, one in made.beside(place.tag).items()}
    progress.step("push", f"to {place}")
    return going.finish(root, str(place), tags)


def _below(wired: Wired, place: Reference) -> tuple[str, ...]:
    """The repository of the image that these stand on, where it is in the same registry."""
    found = registry_of(wired.project.image.base)
    same = found and found.host == place.host and found.repository != place.repository
    return (found.repository,) if found and same else ()


def called(wired: Wired, image: Image, target: str = "") -> str:
    """What an image is called by whoever loads it: as in its registry, else by its project.

    ``target`` is where it is pushed, if it is. Raises ``UsageError`` for what is no reference.
    """
    version = str(image.model)
    named = target or wired.project.image.registry or f"{wired.project.name}:{version}"
    place = parse_reference(named)
    return str(msgspec.structs.replace(place, tag=place.tag or version, digest=None))


def archive(wired: Wired, image: Image, name: str, to: Path, *, progress: Progress) -> Saved:
    """Write an image to a file that ``docker load`` and ``podman load`` take.

    Raises ``MachineError`` where the file cannot be written.
    """
    progress.step("archive", f"to {to}")
    size = save(wired.store, image.digest, name, to)
    return Saved(file=str(to), image=image.digest, platform=image.platform, name=name, size=size)


def write_out(wired: Wired, image: Image, to: Path) -> None:
    """Write a folder with a Dockerfile of an image of a model.

    Raises ``NotFoundError`` for an image that others built, and ``UsageError`` for a folder that
    is not empty.
    """
    lock = attached.find(image.lock, wired.store)
    if lock.standalone:
        raise UsageError(
            "The image has an interpreter from an archive, which a Dockerfile cannot check.",
            where="sealift.toml: image.interpreter",
            remedy="Take image.interpreter out for this: --eject is for images with Debian's.",
        )
    if lock.foundation:
        raise UsageError(
            "The image stands on a base of others, which says itself how it is built.",
            where="sealift.toml: image.base",
            remedy="Write FROM and that base, and copy the wheels and the model in; --eject is for "
            "images on Debian's packages.",
        )
    eject.write(image, versions.pick(wired, image.model), lock, wired.store, to)


def _image(wired: Wired, model: Model, variant: Variant, progress: Progress) -> tuple[Image, Lock]:
    builder = wired.builder(progress, variant)
    return builder.serving_image(model), builder.lock()


def _attested(wired: Wired, image: Image, model: Model, lock: Lock) -> Image:
    run = wired.ledger.get(Run, model.run or "")
    file = project_file(run, wired.store, wired.folders.file.name)
    made = Making(image=image, model=model, run=run, lock=lock, project_file=file)
    notes = wired.folders.state / "contents"
    kept = evidence.attest(made, store=wired.store, signer=wired.signer, notes=notes)
    return msgspec.structs.replace(image, bom=kept.bom.digest, provenance=kept.provenance.digest)


__all__ = [
    "archive",
    "called",
    "deliver",
    "destination",
    "explain",
    "package",
    "push",
    "tie",
    "variants",
    "write_out",
]
