"""From an archive of `docker save` or `podman save` to the store.

Newer ones are image layouts too, whose manifests are kept. Older ones (docker image
specification 1.2) have a configuration and plain layers and no manifest: it is made here, always
the same from the same files.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from sealift import digest
from sealift.adapters.images import layout, shelves
from sealift.adapters.images.shelves import Shelf
from sealift.errors import IntegrityError, NotFoundError, UsageError
from sealift.ports import Store
from sealift.record.image import (
    CONFIG,
    LAYER,
    LAYER_GZIP,
    LAYER_ZSTD,
    MANIFEST,
    Descriptor,
    Manifest,
)
from sealift.types import Digest

TABLE = "manifest.json"
_MAGIC = ((b"\x1f\x8b", LAYER_GZIP), (b"\x28\xb5\x2f\xfd", LAYER_ZSTD))


class Saved(msgspec.Struct, frozen=True, rename="pascal"):
    """An image in the table of such an archive."""

    config: str
    layers: tuple[str, ...]
    repo_tags: tuple[str, ...] | None = None


def bring(path: Path, store: Store, *, name: str, platform: str) -> Digest:
    """Put the image of a name (any, where it is the only one) into the store; its manifest."""
    with shelves.archive(path) as shelf:
        if shelf.has(layout.MARK):
            return layout.bring(shelf, store, name=name, platform=platform)
        if not shelf.has(TABLE):
            raise NotFoundError(
                "This is no archive of an image.",
                where=shelf.place,
                remedy="Write it with `docker save` or `podman save`.",
            )
        return _made(shelf, store, _chosen(shelf, name))


def _chosen(shelf: Shelf, name: str) -> Saved:
    with shelf.open(TABLE) as stream:
        content = stream.read()
    try:
        saved = msgspec.json.decode(content, type=tuple[Saved, ...])
    except msgspec.MsgspecError as error:
        raise IntegrityError(
            f"The table of the archive cannot be read: {error}.", where=shelf.place
        ) from error
    fitting = [one for one in saved if not name or name in _called(one)]
    known = ", ".join(sorted(tag for one in saved for tag in one.repo_tags or ()))
    if not fitting:
        raise NotFoundError(
            f"There is no image {name!r}." if name else "There is no image.",
            where=shelf.place,
            remedy=f"There is: {known or 'none with a name'}.",
        )
    if len(fitting) > 1:
        raise UsageError(
            "There are several images.",
            where=shelf.place,
            remedy=f"Write :NAME behind the path; there is: {known or 'none with a name'}.",
        )
    return fitting[0]


def _called(saved: Saved) -> set[str]:
    """The names of an image, whole and without the registry that was left out when it was made."""
    tags = saved.repo_tags or ()
    return {*tags, *(tag.removeprefix("docker.io/library/") for tag in tags)}


def _made(shelf: Shelf, store: Store, saved: Saved) -> Digest:
    with shelf.open(saved.config) as stream:
        config = store.put(stream.read(), CONFIG)
    layers = tuple(_layer(shelf, store, name) for name in saved.layers)
    manifest = Manifest(config=config, layers=layers)
    return store.put(digest.canonical(msgspec.to_builtins(manifest)), MANIFEST).digest


def _layer(shelf: Shelf, store: Store, name: str) -> Descriptor:
    with shelf.open(name) as stream:
        head = stream.read(4)
    kind = next((kind for magic, kind in _MAGIC if head.startswith(magic)), LAYER)
    with shelf.open(name) as stream:
        return store.put(stream, kind)


__all__ = ["bring"]
