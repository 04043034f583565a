"""The image of the porter: an image with Python, and as much of Sealift as the porter needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from sealift import archive
from sealift.archive import Entry
from sealift.errors import PackageError
from sealift.kubernetes.porter import AUTHORITIES
from sealift.package import server
from sealift.ports import Store
from sealift.record.image import LAYER
from sealift.stacked import stack
from sealift.types import Digest

ENTRY_POINTS = ("sealift.porter.lay", "sealift.porter.send", "sealift.porter.tell")
BY_BUCKET = ("sealift.porter.fetch", "sealift.porter.keep", "sealift.porter.leave")
"""What is needed besides where inputs and outputs go by a bucket."""
PACKAGES = ("anyio", "certifi", "h11", "httpcore", "httpx", "idna", "typing_extensions")
"""What it needs beside the runtime's wheels: Python alone, so that it fits every processor."""


def write(store: Store, base: Digest, *, authorities: str = "", bucket: bool = False) -> Digest:
    """The image of the porter on top of an image with Python and the runtime's wheels.

    It holds what a ``bucket`` needs, which is for this machine's processor, and ``authorities`` to
    trust, in PEM form, where there are any.
    """
    layers = [store.put(archive.Packed(entries()), LAYER)]
    if bucket:
        layers.append(store.put(archive.Packed(further()), LAYER))
    if authorities:
        file = Entry(name=AUTHORITIES[1:], kind="file", content=authorities.encode())
        layers.append(store.put(archive.Packed(iter([file])), LAYER))
    env = {"PYTHONPATH": f"/{server.PLACE}"}
    return stack(store, base, layers, what="porter", env=env)


def entries() -> Iterator[Entry]:
    """The porter's modules, and those of the packages that it needs, as installed here."""
    own = _modules(ENTRY_POINTS)
    yield from (own[name] for name in sorted(own))
    for name in PACKAGES:
        yield from sorted(_installed(name), key=lambda entry: entry.name)


def further() -> Iterator[Entry]:
    """What is needed besides for a bucket."""
    first, own = _modules(ENTRY_POINTS), _modules(BY_BUCKET)
    yield from (own[name] for name in sorted(own.keys() - first.keys()))
    yield from sorted(_installed("obstore"), key=lambda entry: entry.name)


def _modules(entry_points: Sequence[str]) -> dict[str, Entry]:
    return {one.name: one for point in entry_points for one in server.entries(point)}


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


__all__ = ["BY_BUCKET", "ENTRY_POINTS", "PACKAGES", "entries", "further", "write"]
