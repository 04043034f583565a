"""The lock of an image, kept beside it: whoever has the image can make it again."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from sealift import digest
from sealift.errors import NotFoundError
from sealift.ports import Store
from sealift.record.image import EMPTY, LOCK, MANIFEST, WHEEL, Descriptor, Manifest
from sealift.record.lock import Lock
from sealift.types import Digest


def attach(lock: Lock, image: Digest, store: Store) -> Descriptor:
    """Keep a lock as a referrer of an image in the store; the same twice is kept once.

    With it go the wheels that were built for it, which are in no index. It is not signed: its
    digest stands in the provenance, which is.
    """
    with store.open(image) as blob:
        size = len(blob.read())
    manifest = Manifest(
        artifact_type=LOCK,
        config=store.put(b"{}", EMPTY),
        layers=(store.put(lock.content, LOCK), *_wheels(lock, store)),
        subject=Descriptor(media_type=MANIFEST, digest=image, size=size),
    )
    return store.put(digest.canonical(msgspec.to_builtins(manifest)), MANIFEST)


def _wheels(lock: Lock, store: Store) -> Iterator[Descriptor]:
    for one in lock.built:
        if store.has(one.digest):
            title = {"org.opencontainers.image.title": one.wheel}
            yield Descriptor(media_type=WHEEL, digest=one.digest, size=one.size, annotations=title)


def find(wanted: Digest | None, store: Store) -> Lock:
    """The lock with this digest.

    Raises ``NotFoundError`` when the store does not have it, and for an image without one.
    """
    if wanted is None:
        raise NotFoundError(
            "The image was not made from a lock: others built it.",
            remedy="Only its own builder can make it again.",
        )
    try:
        with store.open(wanted) as blob:
            content = blob.read()
    except NotFoundError as error:
        raise NotFoundError(
            "The lock that the image was made from is not here.",
            where=wanted,
            remedy="Name the image in its registry, where the lock lies beside it.",
        ) from error
    return msgspec.json.decode(content, type=Lock)


__all__ = ["attach", "find"]
