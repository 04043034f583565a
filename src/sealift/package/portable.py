"""An image as one file that engines load without a registry.

The file is an OCI image layout and a Docker archive at once, over one set of blobs, as Docker
itself saves images since version 25. Layers are uncompressed, because that is what every engine
and tool takes: older ones know no zstd. The configuration, which engines name an image by, is the
very one of the image in the store; the manifest is another, since it names other blobs.
"""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, BinaryIO

import msgspec
import zstandard

from sealift import clock, digest
from sealift.errors import IntegrityError
from sealift.layers import plain
from sealift.package.layer import Measured
from sealift.ports import Store
from sealift.record.image import LAYER, MANIFEST, Descriptor, Index, Manifest
from sealift.types import Digest, Json
from sealift.whole import whole

_BLOBS = "blobs/sha256"
_CHUNK = 1 << 20


class _RootFiles(msgspec.Struct, frozen=True):
    diff_ids: tuple[Digest, ...]


class _Config(msgspec.Struct, frozen=True):
    rootfs: _RootFiles


def save(store: Store, image: Digest, name: str, to: Path) -> int:
    """Write an image to a file that ``docker load`` and ``podman load`` take; its size in bytes.

    ``name`` is what the image is called once it is loaded: ``HOST/REPOSITORY:TAG`` in full. The
    same image and name give the same bytes. No more than a piece of a layer is in memory, and the
    file is whole or absent. Raises ``MachineError`` where it cannot be written, and
    ``IntegrityError`` for damaged content.
    """
    with whole(to, "The archive") as file:
        _Writing(store, file).image(image, name)
        return file.tell()


class _Writing:
    """One archive: members one after the other, each with the size that it turns out to have."""

    def __init__(self, store: Store, file: BinaryIO) -> None:
        self._store = store
        self._file = file

    def image(self, image: Digest, name: str) -> None:
        """All members, and the end."""
        manifest = self._store.manifest(image)
        config = self._read(manifest.config.digest)
        self._member("oci-layout", [digest.canonical({"imageLayoutVersion": "1.0.0"})])
        self._member("blobs", kind=tarfile.DIRTYPE)
        self._member(_BLOBS, kind=tarfile.DIRTYPE)
        self._member(_place(manifest.config.digest), [config])
        layers = self._layers(manifest, _diff_ids(config, image, len(manifest.layers)))
        written = msgspec.structs.replace(manifest, layers=layers)
        content = digest.canonical(msgspec.to_builtins(written))
        root = Descriptor(
            media_type=MANIFEST,
            digest=digest.of_bytes(content),
            size=len(content),
            annotations={
                "io.containerd.image.name": name,
                "org.opencontainers.image.ref.name": name.rpartition(":")[2],
            },
        )
        self._member(_place(root.digest), [content])
        index = msgspec.to_builtins(Index(manifests=(root,)))
        self._member("index.json", [digest.canonical(index)])
        self._member("manifest.json", [digest.canonical(_for_docker(written, name))])
        self._file.write(b"\0" * (2 * tarfile.BLOCKSIZE))

    def _layers(self, manifest: Manifest, diff_ids: tuple[Digest, ...]) -> tuple[Descriptor, ...]:
        """Write the layers, those that occur twice once; their new descriptors."""
        sizes: dict[Digest, int] = {}
        for layer, diff_id in zip(manifest.layers, diff_ids, strict=True):
            if diff_id not in sizes:
                sizes[diff_id] = self._layer(layer, diff_id)
        return tuple(
            Descriptor(media_type=LAYER, digest=diff_id, size=sizes[diff_id])
            for diff_id in diff_ids
        )

    def _layer(self, layer: Descriptor, diff_id: Digest) -> int:
        with self._store.open(layer.digest) as blob:
            content = Measured(_pieces(plain(blob, layer.media_type), layer.digest))
            size = self._member(_place(diff_id), content)
        if content.digest != diff_id:
            raise IntegrityError(
                "A layer does not hold what its image says it does.", where=f"diff id {diff_id}"
            )
        return size

    def _read(self, blob: Digest) -> bytes:
        with self._store.open(blob) as stream:
            return stream.read()

    def _member(
        self, name: str, pieces: Iterable[bytes] = (), kind: bytes = tarfile.REGTYPE
    ) -> int:
        """Write a member; its size is known, and put before it, when it has been written."""
        start = self._file.tell()
        self._file.write(bytes(tarfile.BLOCKSIZE))
        size = sum(self._file.write(piece) for piece in pieces)
        self._file.write(bytes(-size % tarfile.BLOCKSIZE))
        end = self._file.tell()
        self._file.seek(start)
        self._file.write(header(name, size, kind))
        self._file.seek(end)
        return size


def header(name: str, size: int, kind: bytes) -> bytes:
    """What stands before a member: one block whatever its size, for which GNU's dialect has room.

    POSIX's would need more blocks above 8 GiB, and the size is only known afterwards.
    """
    info = tarfile.TarInfo(name)
    info.type, info.size, info.mtime = kind, size, clock.EPOCH
    info.mode = 0o755 if kind == tarfile.DIRTYPE else 0o644
    return info.tobuf(tarfile.GNU_FORMAT)


def _diff_ids(config: bytes, image: Digest, count: int) -> tuple[Digest, ...]:
    try:
        found = msgspec.json.decode(config, type=_Config).rootfs.diff_ids
    except msgspec.MsgspecError as error:
        raise IntegrityError(f"This is not an image that runs: {error}.", where=image) from error
    if len(found) != count:
        raise IntegrityError("The image does not say what its layers hold.", where=image)
    return found


def _pieces(content: IO[bytes], layer: Digest) -> Iterator[bytes]:
    try:
        while piece := content.read(_CHUNK):
            yield piece
    except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
        raise IntegrityError(f"A layer cannot be read: {error}.", where=layer) from error


def _for_docker(manifest: Manifest, name: str) -> Json:
    """The table of contents that engines without OCI layouts read."""
    return [
        {
            "Config": _place(manifest.config.digest),
            "RepoTags": [name],
            "Layers": [_place(layer.digest) for layer in manifest.layers],
        }
    ]


def _place(blob: Digest) -> str:
    return f"{_BLOBS}/{blob.removeprefix('sha256:')}"


__all__ = ["header", "save"]
