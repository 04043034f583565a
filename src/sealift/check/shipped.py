"""What the layers of an image ship, one by one: what a higher layer hides is shipped all the same.

Source: image-spec 1.1, layer.md (a file ``.wh.NAME`` hides NAME of the layers below).
"""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath

import msgspec
import zstandard

from sealift.check import telltale
from sealift.errors import IntegrityError
from sealift.layers import plain
from sealift.ports import Store
from sealift.record.image import Descriptor
from sealift.record.reading import decode
from sealift.types import Digest

_BY = "sealift: "
_CHUNK = 1 << 20
_WHITEOUT = ".wh."


class Shipped(msgspec.Struct, frozen=True, kw_only=True):
    """The files of one layer: bytes by path from the root.

    ``role`` is what the layer is for as its history tells, or its number from the bottom.
    ``secrets`` are words on what a file holds that should be in no image, by its path.
    """

    digest: Digest
    role: str
    files: dict[str, int]
    secrets: dict[str, str]

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
    files: dict[str, int] = {}
    secrets: dict[str, str] = {}
    try:
        with store.open(one.digest) as blob:
            stream = plain(blob, one.media_type)
            with tarfile.open(fileobj=stream, mode="r|", bufsize=_CHUNK) as tar:
                for path, size, content in _files(tar):
                    files[path] = size
                    if words := telltale.words(path, content):
                        secrets[path] = words
            while blob.read(_CHUNK):
                pass
    except (tarfile.TarError, OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
        raise IntegrityError(f"A layer cannot be read: {error}.", where=one.digest) from error
    return Shipped(digest=one.digest, role=role, files=files, secrets=secrets)


def _files(tar: tarfile.TarFile) -> Iterator[tuple[str, int, bytes | None]]:
    """The plain files of a layer: path, bytes, and the content of those that are searched."""
    for info in tar:
        path = PurePosixPath("/", info.name)
        if info.isreg() and not path.name.startswith(_WHITEOUT):
            stream = tar.extractfile(info) if info.size <= telltale.LARGEST else None
            yield str(path), info.size, stream.read() if stream else None


__all__ = ["Shipped", "read"]
