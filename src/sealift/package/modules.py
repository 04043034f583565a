"""The sources of modules that a server loads, as the layers of an image hold them."""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import msgspec
import zstandard

from sealift import archive, digest
from sealift.archive import Entry
from sealift.errors import IntegrityError
from sealift.layers import plain
from sealift.package import loaded
from sealift.package.inventory import clean
from sealift.package.notes import Notes
from sealift.ports import Store
from sealift.record.image import Layer
from sealift.types import Digest, Json

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"


class Listing(msgspec.Struct, frozen=True):
    """A note on a layer: its sources with their digests, and what it covers below.

    That are its files and links, and what it takes away; whole folders with a slash.
    """

    own: dict[str, Digest]
    covered: tuple[str, ...]


class Shown(NamedTuple):
    """A source that no later layer covers: the layer that has it, and the digest of its bytes."""

    layer: Layer
    digest: Digest


class Modules:
    """Sources in layers: seen while these are made, else read from a store, once in a process.

    Notes in a folder tell of layers without reading them; losing those costs time alone.
    """

    def __init__(self, notes: Path) -> None:
        self._notes = Notes(notes)
        self._held: dict[Digest, dict[str, bytes]] = {}

    def note(self, layer: Layer, entries: Iterable[Entry]) -> None:
        """Look at what a new layer is made of."""
        own: dict[str, bytes] = {}
        covered: set[str] = set()
        for entry in entries:
            if entry.kind == "folder":
                continue
            covered.add(_covers(entry.name))
            if entry.kind == "file" and loaded.is_loaded(entry.name):
                with entry.open() as content:
                    own[entry.name] = content.read()
        self._keep(layer, own, covered)

    def shown(self, layers: Iterable[Layer], stores: Sequence[Store]) -> dict[str, Shown]:
        """The sources by their paths, as layers over each other say.

        Each layer is read, if at all, from the first store that has it; the layers of a base of
        others are where they came to. Raises ``IntegrityError`` for a damaged layer.
        """
        found: dict[str, Shown] = {}
        for one in layers:
            listing = self._notes.get(_key(one), Listing) or self._read(one, stores)
            covered = set(listing.covered)
            below = {name: found[name] for name in found if covered.isdisjoint(_above(name))}
            found = below | {name: Shown(one, mark) for name, mark in listing.own.items()}
        return found

    def contents(self, shown: Mapping[str, Shown], stores: Sequence[Store]) -> dict[str, bytes]:
        """The bytes of such sources. Raises ``IntegrityError`` where they are not as was noted."""
        found: dict[str, bytes] = {}
        for name, (layer, mark) in shown.items():
            address = layer.descriptor.digest
            if address not in self._held:
                self._read(layer, stores)
            found[name] = self._held[address].get(name, b"")
            if digest.of_bytes(found[name]) != mark:
                raise IntegrityError(
                    f"What was noted of the module {name} is not what the layer has.",
                    where=address,
                    remedy="Run the command again: the layer was read anew.",
                )
        return found

    def _read(self, layer: Layer, stores: Sequence[Store]) -> Listing:
        address, kind = layer.descriptor.digest, layer.descriptor.media_type
        store = next((it for it in stores if it.has(address)), stores[-1])
        try:
            with (
                store.open(address) as blob,
                tarfile.open(fileobj=plain(blob, kind), mode="r|", bufsize=archive.CHUNK) as tar,
            ):
                own, covered = _members(tar)
        except (tarfile.TarError, EOFError, zlib.error, zstandard.ZstdError) as error:
            raise IntegrityError(
                f"A layer cannot be read: {error}.",
                where=address,
                remedy="Delete the folder .sealift/layers; then the layer is made again.",
            ) from error
        return self._keep(layer, own, covered)

    def _keep(self, layer: Layer, own: dict[str, bytes], covered: set[str]) -> Listing:
        self._held[layer.descriptor.digest] = own
        marks = {name: digest.of_bytes(content) for name, content in own.items()}
        listing = Listing(marks, tuple(sorted(covered)))
        self._notes.put(_key(layer), listing)
        return listing


def _members(tar: tarfile.TarFile) -> tuple[dict[str, bytes], set[str]]:
    """The sources in a layer, and what it covers."""
    own: dict[str, bytes] = {}
    covered: set[str] = set()
    for info in tar:
        if info.isdir():
            continue
        name = clean(info.name)
        covered.add(_covers(name))
        if info.isreg() and loaded.is_loaded(name) and (content := tar.extractfile(info)):
            own[name] = content.read()
    return own, covered


def _covers(name: str) -> str:
    """What is gone below a file of this name. Whiteouts: image-spec 1.1, layer.md.

    >>> _covers("lib/a.py"), _covers("lib/.wh.a.py"), _covers("lib/.wh..wh..opq")
    ('lib/a.py', 'lib/a.py', 'lib/')
    """
    above, slash, last = name.rpartition("/")
    return f"{above}/" if last == _OPAQUE else above + slash + last.removeprefix(_WHITEOUT)


def _above(name: str) -> Iterator[str]:
    """A path, and all folders that it lies in, with and without a slash at the end."""
    yield name
    while name := name.rpartition("/")[0]:
        yield from (name, f"{name}/")


def _key(layer: Layer) -> Digest:
    told: list[Json] = ["modules", _recipe(), layer.descriptor.digest]
    return digest.of_json(told)


@cache
def _recipe() -> Digest:
    """The digest of the code that says what is noted."""
    files = (Path(__file__), Path(loaded.__file__ or ""))
    return digest.of_json([digest.of_file(path) for path in files])


__all__ = ["Listing", "Modules", "Shown"]
