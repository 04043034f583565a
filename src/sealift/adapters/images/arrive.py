"""Bringing an image of others into the store, from wherever it lies."""

from __future__ import annotations

from pathlib import Path

from sealift.adapters.images import docker, layout, shelves
from sealift.adapters.images.source import Source
from sealift.adapters.registries.pull import pull
from sealift.adapters.registries.session import Access
from sealift.errors import NotFoundError
from sealift.ports import Progress, Store
from sealift.types import Digest


def arrive(
    source: Source, store: Store, *, platform: str, access: Access, progress: Progress
) -> Digest:
    """Bring in the image for a platform; the digest of its manifest, which is kept as it is.

    What refers to an image in a registry, such as signatures, comes with it. Raises
    ``NotFoundError``, ``IntegrityError``, ``UsageError``, ``DataError`` and ``RegistryError``.
    """
    if source.kind == "registry":
        return pull(source.place, store, platform=platform, access=access, progress=progress)
    path = Path(source.place)
    if source.kind == "docker-archive":
        return docker.bring(path, store, name=source.name, platform=platform)
    if source.kind == "oci-archive":
        with shelves.archive(path) as shelf:
            _require(shelf)
            return layout.bring(shelf, store, name=source.name, platform=platform)
    folder = shelves.FolderShelf(path)
    _require(folder)
    return layout.bring(folder, store, name=source.name, platform=platform)


def _require(shelf: shelves.Shelf) -> None:
    if not shelf.has(layout.MARK):
        raise NotFoundError(
            "This is no OCI image layout.",
            where=shelf.place,
            remedy="An archive of `docker save` is docker-archive:FILE.",
        )


__all__ = ["arrive"]
