"""What the layers of an image ship, one by one: what a higher layer hides is shipped all the same.

Source: image-spec 1.1, layer.md (a file ``.wh.NAME`` hides NAME of the layers below).
"""

from __future__ import annotations

import tarfile
import zlib
from pathlib import PurePosixPath
from typing import BinaryIO, cast

import msgspec
import zstandard

from sealift.check import telltale
from sealift.digest import of_bytes, of_stream
from sealift.errors import IntegrityError
from sealift.layers import plain
from sealift.ports import Store
from sealift.record.image import Descriptor
from sealift.record.reading import decode
from sealift.types import Digest

_BY = "sealift: "
_CHUNK = 1 << 20
_MODEL = PurePosixPath("/model")
_WHITEOUT = ".wh."


class Shipped(msgspec.Struct, frozen=True, kw_only=True):
    """The files of one layer: bytes by path from the root.

    ``role`` is what the layer is for as its history tells, or its number from the bottom.
    ``secrets`` are words on what a file holds that should be in no image, by its path; ``digests``
    those of the files of the model.
    """

    digest: Digest
    role: str
    files: dict[str, int]
    secrets: dict[str, str]
    digests: dict[str, Digest] = {}

    @property
    def size(self) -> int:
        """All its files in bytes."""
        return sum(self.files.values())


class _Line(msgspec.Struct, frozen=True):
    created_by: str = ""
    empty_layer: bool = False


class _Config(msgspec.Struct, frozen=True):
    history: tuple[_Line, ...] = ()


def read(image: Digest, store: Store) -> tuple[Shipped, ...]:
    """Every layer of an image in a store, from the bottom.

    Raises ``IntegrityError`` for a layer that is damaged, and what the store raises.
    """
    manifest = store.manifest(image)
    with store.open(manifest.config.digest) as blob:
        try:
            told = decode(blob.read(), _Config)
        except ValueError:
            told = _Config()
    lines = [line.created_by for line in told.history if not line.empty_layer]
    named = len(lines) == len(manifest.layers) and all(line.startswith(_BY) for line in lines)
    roles = [line.removeprefix(_BY) for line in lines] if named else []
    return tuple(
        _layer(one, roles[number] if roles else f"layer {number + 1}", store)
        for number, one in enumerate(manifest.layers)
    )


def _layer(one: Descriptor, role: str, store: Store) -> Shipped:
    found = Shipped(digest=one.digest, role=role, files={}, secrets={}, digests={})
    try:
        with store.open(one.digest) as blob:
            stream = plain(blob, one.media_type)
            with tarfile.open(fileobj=stream, mode="r|", bufsize=_CHUNK) as tar:
                for info in tar:
                    _enter(info, tar, found)
            while blob.read(_CHUNK):
                pass
    except (tarfile.TarError, OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
        raise IntegrityError(f"A layer cannot be read: {error}.", where=one.digest) from error
    return found


def _enter(info: tarfile.TarInfo, tar: tarfile.TarFile, found: Shipped) -> None:
    """Look at a member of a layer; what is no plain file is left out, and what hides others."""
    path = PurePosixPath("/", info.name)
    if not info.isreg() or path.name.startswith(_WHITEOUT):
        return
    found.files[str(path)] = info.size
    small = info.size <= telltale.LARGEST
    stream = cast("BinaryIO", tar.extractfile(info))
    content = stream.read() if small else None
    if _MODEL in path.parents:
        found.digests[str(path)] = of_stream(stream) if content is None else of_bytes(content)
    if words := telltale.words(str(path), content):
        found.secrets[str(path)] = words


__all__ = ["Shipped", "read"]
