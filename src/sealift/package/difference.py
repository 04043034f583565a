"""Which files of two layers are not the same."""

from __future__ import annotations

import hashlib
import tarfile
import zlib
from typing import BinaryIO

import zstandard

from sealift.errors import IntegrityError
from sealift.layers import plain
from sealift.ports import Store
from sealift.record.image import Descriptor

MOST = 20
"""Names that are told at most."""

_CHUNK = 1 << 20
_Member = tuple[bytes, int, str, str]


def between(one: Descriptor, other: Descriptor, stores: tuple[Store, Store]) -> tuple[str, ...]:
    """The names of members that differ, then of those that only one of two layers has.

    Two layers of the same files can still differ, in order or compression. Raises
    ``IntegrityError`` for a layer that is damaged.
    """
    members = [_members(layer, store) for layer, store in zip((one, other), stores, strict=True)]
    first, second = members
    unlike = sorted(name for name in first.keys() & second.keys() if first[name] != second[name])
    return tuple([*unlike, *sorted(first.keys() ^ second.keys())][:MOST])


def _members(layer: Descriptor, store: Store) -> dict[str, _Member]:
    try:
        with store.open(layer.digest) as blob:
            return _read(blob, layer.media_type)
    except (tarfile.TarError, EOFError, zlib.error, zstandard.ZstdError) as error:
        raise IntegrityError(f"A layer cannot be read: {error}.", where=layer.digest) from error


def _read(blob: BinaryIO, media_type: str) -> dict[str, _Member]:
    found: dict[str, _Member] = {}
    with tarfile.open(fileobj=plain(blob, media_type), mode="r|", bufsize=_CHUNK) as tar:
        for info in tar:
            whole = hashlib.sha256()
            if stream := tar.extractfile(info) if info.isreg() else None:
                while piece := stream.read(_CHUNK):
                    whole.update(piece)
            found[info.name] = (info.type, info.mode, info.linkname, whole.hexdigest())
    while blob.read(_CHUNK):
        pass
    return found


__all__ = ["MOST", "between"]
