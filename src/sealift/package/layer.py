"""Layers: deterministic tars, streamed into the store, compressed or plain.

The gzip header holds no time, no name and a fixed system byte (RFC 1952). ISA-L's deflate gives
equal bytes on all x86-64 processors up to level 2; at level 3 they depend on the vector unit. On
arm64 they are others, which does not matter as long as images are built on their own platform.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Literal

import msgspec
from isal import isal_zlib

from sealift import archive
from sealift.archive import Entry
from sealift.ports import Store
from sealift.record.image import LAYER, LAYER_GZIP, Layer
from sealift.types import Digest

Role = Literal["base", "shell", "runtime", "packages", "server", "model"]
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_LEVEL = 2


def write(store: Store, role: Role, members: Iterable[Entry], *, packed: bool = True) -> Layer:
    """Write a layer of these entries, gzip if ``packed``, piece by piece."""
    plain = Measured(archive.pack(members))
    content = archive.stream(gzipped(plain) if packed else plain)
    kept = store.put(content, LAYER_GZIP if packed else LAYER)
    return Layer(descriptor=kept, diff_id=plain.digest, role=role)


class Measured:
    """Pieces of bytes that are hashed as they pass."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces
        self._whole = hashlib.sha256()

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self._whole.update(piece)
            yield piece

    @property
    def digest(self) -> Digest:
        """The digest of what has passed so far."""
        return Digest("sha256:" + self._whole.hexdigest())


def gzipped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Pieces of bytes as one gzip member."""
    deflate = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, -isal_zlib.MAX_WBITS)
    check = size = 0
    yield _GZIP_HEADER
    for piece in pieces:
        check = isal_zlib.crc32(piece, check)
        size += len(piece)
        yield deflate.compress(piece)
    yield deflate.flush()
    yield struct.pack("<II", check, size & 0xFFFFFFFF)


def sorted_entries(entries: Iterable[Entry]) -> list[Entry]:
    """Entries in order of their paths, with every folder above them, each stated once.

    An entry that comes later replaces an earlier one of the same name.
    """
    found: dict[str, Entry] = {}
    for entry in entries:
        for parent in PurePosixPath(entry.name).parents:
            name = parent.as_posix()
            if name != ".":
                found.setdefault(name, Entry(name=name, kind="folder", mode=0o755))
        found[entry.name] = entry
    return sorted(found.values(), key=lambda entry: entry.name.encode().split(b"/"))


def reused(layer: Layer) -> Layer:
    """The same layer, marked as not made anew."""
    return msgspec.structs.replace(layer, reused=True)


__all__ = ["Measured", "Role", "gzipped", "reused", "sorted_entries", "write"]
