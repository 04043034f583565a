"""Making images again and comparing: one's own (verify), or whatever reference names (rebuild)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

import msgspec

from sealift.adapters.registries.pull import pull
from sealift.adapters.registries.reference import DIGEST, parse
from sealift.adapters.registries.session import Access
from sealift.adapters.table import adapter
from sealift.chapters import versions
from sealift.errors import IntegrityError, NotFoundError
from sealift.package import attached, evidence, provenance
from sealift.package.rebuild import rebuild as make_again
from sealift.package.scratch import scratch
from sealift.package.shelf import Shelf
from sealift.package.stack import Stack
from sealift.ports import Progress, Store
from sealift.record.comparison import Comparison
from sealift.record.image import INDEX, Image, Layer
from sealift.record.lock import Lock
from sealift.types import Digest
from sealift.wiring import Wired


def verify(wired: Wired, version: int | None, *, progress: Progress) -> list[Comparison]:
    """Make the newest images of a model (None: the newest) again, from the locks they were made of.

    Raises ``NotFoundError`` when it was not packaged.
    """
    model = versions.pick(wired, version)
    images = {
        (image.platform, image.accelerator): image
        for image in wired.ledger.all(Image)
        if image.model == model.version
    }
    if not images:
        versions.image_of(wired, model)
    return [
        _again(wired, image.digest, attached.find(image.lock, wired.store), progress)
        for _, image in sorted(images.items())
    ]


def rebuild(wired: Wired, reference: str, *, progress: Progress) -> list[Comparison]:
    """Make an image again from the lock that its signed provenance names.

    ``reference`` is a digest or name in the store, else a place in a registry, or a digest in that
    of the project. Raises ``NotFoundError`` when it is in neither, ``ReleaseError`` when it has no
    provenance, and ``IntegrityError`` when that is not signed by a trusted key.
    """
    found = []
    for image in _images(_here(wired, reference, progress), wired.store):
        document = evidence.origin(image, store=wired.store, signer=wired.signer)
        digest, maker = provenance.told(document)
        lock = attached.find(digest, wired.store)
        compared = _again(wired, image, lock, progress)
        found.append(msgspec.structs.replace(compared, maker=maker))
    return found


def _here(wired: Wired, reference: str, progress: Progress) -> Digest:
    """The digest of what a reference names, brought into the store if it is in a registry."""
    try:
        return wired.store.resolve(reference).digest
    except NotFoundError as error:
        place = reference if "/" in reference else _at_home(wired, reference, error)
    return pull(place, wired.store, access=Access(wired.network), progress=progress)


def _at_home(wired: Wired, digest: str, error: NotFoundError) -> str:
    """A digest in the project's own registry; raises ``error`` for what is no digest."""
    if not DIGEST.fullmatch(digest):
        raise error
    if not wired.project.image.registry:
        raise NotFoundError(
            "The image is not in the store, and no registry is named that may have it.",
            where=digest,
            remedy="Say where it is, as HOST/REPOSITORY@DIGEST, or set image.registry in "
            "sealift.toml.",
        ) from error
    place = parse(wired.project.image.registry)
    return str(msgspec.structs.replace(place, tag="", digest=Digest(digest)))


class _Child(msgspec.Struct, frozen=True):
    digest: Digest
    platform: dict[str, str] = {}


class _Root(msgspec.Struct, frozen=True, rename="camel"):
    media_type: str = ""
    manifests: tuple[_Child, ...] = ()


def _images(root: Digest, store: Store) -> Iterator[Digest]:
    """The manifests of images that run: the root itself, or the children of an index."""
    with store.open(root) as blob:
        content = blob.read()
    try:
        read = msgspec.json.decode(content, type=_Root)
    except msgspec.MsgspecError as error:
        raise IntegrityError(f"This is no image: {error}.", where=root) from error
    if read.media_type != INDEX:
        yield root
        return
    for child in read.manifests:
        if child.platform.get("os", "unknown") != "unknown":
            yield child.digest


def _again(wired: Wired, image: Digest, lock: Lock, progress: Progress) -> Comparison:
    """One image made again, in a store of its own that does not outlive it."""
    with scratch(wired.folders.state / "scratch") as folder:
        room = cast("Store", adapter("store", "layout")(folder / "layout", folder / "unpacked"))
        builder, shelf = wired.builder(progress), Shelf(room, folder / "notes", progress)
        stack = Stack(
            lock,
            wired.project.image,
            wired.folders,
            wired.network,
            shelf,
            progress,
            builder.house.place,
        )

        def press(there: Sequence[Layer], made: Sequence[Layer]) -> list[Layer]:
            return builder.compiler(lock, there).press(lock, made, room, shelf)

        return make_again(image, lock, stack, press, wired.store, room)


def same(comparisons: list[Comparison]) -> None:
    """Raises ``IntegrityError`` that names the images that came out different."""
    for one in comparisons:
        if not one.same:
            unlike = ", ".join(dict.fromkeys(part.role for part in one.layers if not part.same))
            raise IntegrityError(
                f"The image came out different: {unlike or 'its configuration'}.",
                where=one.image,
                remedy=_remedy(one),
            )


def _remedy(one: Comparison) -> str:
    changed = {part.role for part in one.layers if not part.same}
    if changed <= {"server"}:
        made = f", version {one.maker}," if one.maker else ""
        return (
            f"The server in it is that of another Sealift{made}: compare with the Sealift that "
            "made it, or package again with this one."
        )
    return "The files named above differ; do not trust the image until it is known why."


__all__ = ["rebuild", "same", "verify"]
