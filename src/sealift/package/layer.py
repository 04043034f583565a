"""Layers: deterministic tars, streamed into the store, compressed or plain.

Compressed is zstd (RFC 8878), on one thread: the same bytes on every processor, where the fast
deflates give other bytes by the vector unit they find; smaller, and faster to unpack.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec
import zstandard

from sealift import archive
from sealift.archive import Entry
from sealift.ports import Store
from sealift.record.image import LAYER_ZSTD, Layer, Role
from sealift.types import Digest

_LEVEL = 3


class Part(NamedTuple):
    """The entries of one layer, in order; ``holds`` names what they are where the role does not."""

    holds: str
    entries: Sequence[Entry]


def write(store: Store, role: Role, part: Part) -> Layer:
    """Write a part as a compressed layer, piece by piece."""
    plain = Measured(joined(archive.pack(part.entries)))
    kept = store.put(archive.stream(compressed(plain)), LAYER_ZSTD)
    return Layer(descriptor=kept, diff_id=plain.digest, role=role, holds=part.holds)


def joined(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Pieces of at least 1 MiB, but for the last: what hashes and compresses lets other threads
    run meanwhile, which costs more than it brings for the many small files of a layer.

    >>> [len(piece) for piece in joined([b"a", b"b" * (1 << 20), b"c"])]
    [1048577, 1]
    """
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= archive.CHUNK:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)


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


def compressed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Pieces of bytes as one zstd frame."""
    deflate = zstandard.ZstdCompressor(level=_LEVEL).compressobj()
    for piece in pieces:
        yield deflate.compress(piece)
    yield deflate.flush()


def sorted_entries(entries: Iterable[Entry]) -> list[Entry]:
    """Entries in order of their paths, with every folder above them, each stated once.

    An entry that comes later replaces an earlier one of the same name.
    """
    found: dict[str, Entry] = {}
    for entry in entries:
        above = entry.name.rpartition("/")[0]
        while above and above not in found:
            found[above] = Entry(name=above, kind="folder", mode=0o755)
            above = above.rpartition("/")[0]
        found[entry.name] = entry
    return sorted(found.values(), key=lambda entry: entry.name.encode().split(b"/"))


def reused(layer: Layer) -> Layer:
    """The same layer, marked as not made anew."""
    return msgspec.structs.replace(layer, reused=True)


__all__ = ["Measured", "Part", "Role", "compressed", "joined", "reused", "sorted_entries", "write"]
