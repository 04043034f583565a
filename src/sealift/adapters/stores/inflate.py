"""The plain tar inside a layer, whatever it was compressed with, checked against its diff id."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from typing import IO, BinaryIO

import zstandard

from sealift import archive, layers
from sealift.errors import IntegrityError, PackageError
from sealift.record.image import Descriptor
from sealift.types import Digest

CHUNK = 1 << 20
# deflate cannot do better than 1032:1; a layer near that is a trap, not software
_WORST_RATIO = 500


def inflated(content: BinaryIO, layer: Descriptor, diff_id: Digest) -> BinaryIO:
    """The uncompressed tar of a layer, as a stream that is checked at its end.

    Raises ``IntegrityError`` when it is damaged, is not what ``diff_id`` says, or swells beyond
    500 times its size (plus 16 MiB); ``PackageError`` for a media type it cannot read.
    """
    try:
        plain = layers.plain(content, layer.media_type)
    except PackageError as error:
        raise PackageError(error.what, where=layer.digest) from error
    limit = layer.size * _WORST_RATIO + (16 << 20)
    return archive.stream(_checked(plain, content, limit, (layer.digest, diff_id)))


def _checked(
    plain: IO[bytes], content: BinaryIO, limit: int, digests: tuple[Digest, Digest]
) -> Iterator[bytes]:
    whole = hashlib.sha256()
    size = 0
    while piece := _next(plain, digests[0]):
        whole.update(piece)
        size += len(piece)
        if size > limit:
            raise IntegrityError("A layer swells to an unlikely size.", where=digests[0])
        yield piece
    while content.read(CHUNK):
        pass
    if f"sha256:{whole.hexdigest()}" != digests[1]:
        raise IntegrityError(
            "A layer does not hold what its image says it does.", where=f"diff id {digests[1]}"
        )


def _next(plain: IO[bytes], source: Digest) -> bytes:
    try:
        return plain.read(CHUNK)
    except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
        raise IntegrityError(f"A layer cannot be read: {error}.", where=source) from error


__all__ = ["inflated"]
