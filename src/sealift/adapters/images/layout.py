"""From an image layout of others (image-spec 1.1, image-layout.md) to the store."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from sealift.adapters.images.shelves import Shelf, blob
from sealift.adapters.registries.manifests import (
    INDEXES,
    LARGEST,
    MANIFESTS,
    Links,
    demand_digest,
    links,
)
from sealift.digest import of_bytes
from sealift.errors import IntegrityError, NotFoundError, UsageError
from sealift.ports import Store
from sealift.record.image import Descriptor
from sealift.types import Digest

INDEX_FILE = "index.json"
MARK = "oci-layout"
_NAMES = ("org.opencontainers.image.ref.name", "io.containerd.image.name")
_DEEPEST = 8


class _Platform(msgspec.Struct, frozen=True):
    """The part of an image's configuration that says what it runs on."""

    os: str = ""
    architecture: str = ""


class _Root(msgspec.Struct, frozen=True):
    manifests: tuple[Descriptor, ...]


def bring(shelf: Shelf, store: Store, *, name: str, platform: str) -> Digest:
    """Put the image of a name (any, where it is the only one) and a platform into the store.

    Its manifest is kept as it is, after all that it names. Raises ``NotFoundError`` when there is
    none for the platform or of the name, ``UsageError`` when there are several, and
    ``IntegrityError`` when something is not what its digest says.
    """
    found: dict[Digest, Links] = {}
    others: set[str] = set()
    for digest, one in _manifests(shelf, _entries(shelf, name)):
        runs_on = _platform(shelf, one)
        if runs_on == platform:
            found[digest] = one
        elif runs_on:
            others.add(runs_on)
    if not found:
        raise NotFoundError(
            f"The image is not there for {platform}.",
            where=shelf.place,
            remedy=f"It is there for: {', '.join(sorted(others)) or 'no named platform'}.",
        )
    if len(found) > 1:
        raise _several(shelf)
    ((digest, chosen),) = found.items()
    for part in chosen.blobs:
        _copy(shelf, store, part.digest, part.media_type)
    _copy(shelf, store, digest, chosen.kind)
    return digest


def _entries(shelf: Shelf, name: str) -> list[Descriptor]:
    content = _content(shelf, INDEX_FILE)
    try:
        entries = msgspec.json.decode(content, type=_Root).manifests
    except msgspec.MsgspecError as error:
        raise IntegrityError(
            f"The index of the layout cannot be read: {error}.", where=shelf.place
        ) from error
    named = [one for one in entries if not name or name in _called(one)]
    if not named:
        known = sorted({word for one in entries for word in _called(one)})
        raise NotFoundError(
            f"There is no image {name!r}." if name else "There is no image.",
            where=shelf.place,
            remedy=f"There is: {', '.join(known) or 'none with a name'}.",
        )
    return named


def _called(entry: Descriptor) -> set[str]:
    notes = entry.annotations or {}
    return {notes[key] for key in _NAMES if key in notes}


def _manifests(
    shelf: Shelf, entries: list[Descriptor], depth: int = 0
) -> Iterator[tuple[Digest, Links]]:
    """The manifests of images, those in indexes too; each is checked against its digest."""
    if depth > _DEEPEST:
        raise IntegrityError("Indexes are nested too deep.", where=shelf.place)
    for entry in entries:
        digest = demand_digest(entry.digest, shelf.place)
        content = _content(shelf, blob(digest), digest)
        found = links(content, digest)
        if found.kind in INDEXES and found.manifests is not None:
            inner = [
                Descriptor(media_type=one.media_type, digest=one.digest, size=one.size)
                for one in found.manifests
                if shelf.has(blob(one.digest))
            ]
            yield from _manifests(shelf, inner, depth + 1)
        elif found.kind in MANIFESTS:
            yield digest, found


def _platform(shelf: Shelf, image: Links) -> str:
    """The platform in an image's configuration; empty for an artifact that has none."""
    if image.config is None or image.artifact_type:
        return ""
    content = _content(shelf, blob(image.config.digest), image.config.digest)
    try:
        found = msgspec.json.decode(content, type=_Platform)
    except msgspec.MsgspecError:
        return ""
    known = found.os and found.architecture and found.os != "unknown"
    return f"{found.os}/{found.architecture}" if known else ""


def _content(shelf: Shelf, name: str, digest: Digest | None = None) -> bytes:
    with shelf.open(name) as stream:
        content = stream.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise IntegrityError("A manifest is larger than 4 MiB.", where=f"{shelf.place}: {name}")
    if digest is not None and of_bytes(content) != digest:
        raise _other(shelf, name)
    return content


def _copy(shelf: Shelf, store: Store, digest: Digest, media_type: str) -> None:
    if store.has(digest):
        return
    with shelf.open(blob(digest)) as stream:
        if store.put(stream, media_type).digest != digest:
            raise _other(shelf, blob(digest))


def _other(shelf: Shelf, name: str) -> IntegrityError:
    return IntegrityError(
        "A file of the image is not what its digest says.",
        where=f"{shelf.place}: {name}",
        remedy="Copy the image again.",
    )


def _several(shelf: Shelf) -> UsageError:
    names = sorted({word for one in _entries(shelf, "") for word in _called(one)})
    return UsageError(
        "There are several images.",
        where=shelf.place,
        remedy=f"Write :NAME behind the path; there is: {', '.join(names) or 'none with a name'}.",
    )


__all__ = ["MARK", "bring"]
