"""The image of the porter: an image with Python, and as much of Sealift as the porter needs."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from sealift import archive
from sealift.archive import Entry
from sealift.errors import PackageError
from sealift.package import server
from sealift.ports import Store
from sealift.record.image import LAYER
from sealift.stacked import stack
from sealift.types import Digest

ENTRY_POINTS = ("sealift.porter.lay", "sealift.porter.send")
PACKAGES = ("anyio", "certifi", "h11", "httpcore", "httpx", "idna", "typing_extensions")
"""What it needs beside the runtime's wheels: Python alone, so that it fits every processor."""


def write(store: Store, base: Digest) -> Digest:
    """The image of the porter on top of an image with Python and the runtime's wheels."""
    layer = store.put(archive.Packed(entries()), LAYER)
    env = {"PYTHONPATH": f"/{server.PLACE}"}
    return stack(store, base, [layer], what="porter", env=env)


def entries() -> Iterator[Entry]:
    """The porter's modules, and those of the packages that it needs, as installed here."""
    own = {one.name: one for point in ENTRY_POINTS for one in server.entries(point)}
    yield from (own[name] for name in sorted(own))
    for name in PACKAGES:
        yield from sorted(_installed(name), key=lambda entry: entry.name)


def _installed(name: str) -> Iterator[Entry]:
    try:
        found = distribution(name)
    except PackageNotFoundError as error:
        raise PackageError(
            f"This installation has no package {name!r}.", remedy="Install Sealift again."
        ) from error
    for path in found.files or ():
        place = path.as_posix()
        if path.suffix == ".pyc" or place.startswith("..") or ".dist-info/" in place:
            continue
        content = Path(str(path.locate())).read_bytes()
        yield Entry(name=f"{server.PLACE}/{place}", kind="file", content=content)


__all__ = ["ENTRY_POINTS", "PACKAGES", "entries", "write"]
