"""The plain tar inside a layer of an image, whatever it was compressed with.

Sources: image-spec 1.1, layer.md; the media types of Docker's manifests, version 2, schema 2.
"""

from __future__ import annotations

import gzip
from typing import IO, BinaryIO, cast

import zstandard

from sealift.errors import PackageError


def plain(blob: BinaryIO, media_type: str) -> IO[bytes]:
    """The tar in a layer's blob, as a stream. Raises ``PackageError`` for a type it cannot read."""
    kind = media_type.rpartition(".tar")[2] if ".tar" in media_type else "?"
    if kind == "":
        return blob
    if kind in ("+gzip", ".gzip"):
        return cast("IO[bytes]", gzip.GzipFile(fileobj=blob))
    if kind == "+zstd":
        made = zstandard.ZstdDecompressor().stream_reader(blob, read_across_frames=True)
        return cast("IO[bytes]", made)
    raise PackageError(f"Layers of type {media_type!r} cannot be read.")


__all__ = ["plain"]
