"""Bringing an image from the store into an engine's own, once for each digest."""

from __future__ import annotations

import io
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile, gettempdir

import msgspec

from sealift import clock, digest
from sealift.adapters.engines import leftovers
from sealift.adapters.engines.podman_command import Command
from sealift.adapters.stores.inflate import inflated
from sealift.ports import Store
from sealift.record.image import Descriptor, Manifest
from sealift.types import Digest, Json

NAME = "localhost/sealift"
PREFIX = "sealift-image-"


class RootFs(msgspec.Struct, frozen=True):
    """The layers of an image by the digests of their plain tars, from the bottom."""

    diff_ids: tuple[Digest, ...]


class Settings(msgspec.Struct, frozen=True):
    """The part of an image's configuration that tells its layers."""

    rootfs: RootFs


def pull(command: Command, store: Store, image: Digest) -> str:
    """Bring it into podman, which reads the store's own files; the name it has there.

    The name is the digest of its configuration, which covers the content of every layer.
    """
    known = store.manifest(image).config.digest.removeprefix("sha256:")
    if not command.tell("image", "exists", known):
        with _alone(store, image) as folder:
            command.call("pull", "--quiet", f"oci:{folder}")
        # Podman names it after the folder that it was read from, which is gone now.
        command.call("untag", known)
        command.call("tag", known, f"{NAME}:{digest.short(image)}")
    return known


def load(command: Command, store: Store, image: Digest, live: Path) -> str:
    """Bring it into docker, as an archive; the name it has there, made of its digest."""
    name = f"{NAME}:{image.removeprefix('sha256:')}"
    if not command.tell("image", "inspect", "--format", "{{.Id}}", name):
        with _scratch(live) as folder:
            archive = folder / "image.tar"
            _archive(store, store.manifest(image), name, archive)
            command.call("load", "--quiet", "--input", str(archive))
    return name


@contextmanager
def _scratch(parent: Path) -> Iterator[Path]:
    parent.mkdir(parents=True, exist_ok=True)
    leftovers.clear(parent, f"{PREFIX}*")
    with TemporaryDirectory(prefix=PREFIX, dir=parent) as folder:
        yield Path(folder)


@contextmanager
def _alone(store: Store, image: Digest) -> Iterator[Path]:
    """A layout of this image alone, whose blobs are those of the store.

    It lies among the temporary files, not in the project: podman makes a name of the path and
    takes no part of it that begins with a dot, as the folder ``.sealift`` does.
    """
    with store.open(image) as blob:
        size = len(blob.read())
    kind = store.manifest(image).media_type
    entry: Json = {"mediaType": kind, "digest": image, "size": size}
    with _scratch(Path(gettempdir())) as folder:
        (folder / "oci-layout").write_bytes(digest.canonical({"imageLayoutVersion": "1.0.0"}))
        (folder / "blobs").symlink_to((store.root / "blobs").absolute())
        index: Json = {"schemaVersion": 2, "manifests": [entry]}
        (folder / "index.json").write_bytes(digest.canonical(index))
        yield folder


def _archive(store: Store, manifest: Manifest, name: str, path: Path) -> None:
    """Write the archive that ``docker load`` reads: plain layers, and a list of what they are.

    The layers are not compressed, since docker before version 23 knows nothing of zstd.
    """
    with store.open(manifest.config.digest) as content:
        config = content.read()
    settings = msgspec.json.decode(config, type=Settings)
    plain = dict(zip(settings.rootfs.diff_ids, manifest.layers, strict=True))
    table: Json = [
        {
            "Config": _place(manifest.config.digest),
            "RepoTags": [name],
            "Layers": [_place(diff_id) for diff_id in plain],
        }
    ]
    with tarfile.open(path, "w") as archive:
        _add(archive, _place(manifest.config.digest), config)
        for diff_id, layer in plain.items():
            _add_layer(archive, store, layer, diff_id)
        _add(archive, "manifest.json", digest.canonical(table))


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    archive.addfile(_entry(name, len(content)), io.BytesIO(content))


def _add_layer(archive: tarfile.TarFile, store: Store, layer: Descriptor, diff_id: Digest) -> None:
    with store.open(layer.digest) as packed, TemporaryFile() as plain:
        shutil.copyfileobj(inflated(packed, layer, diff_id), plain)
        size = plain.tell()
        plain.seek(0)
        archive.addfile(_entry(_place(diff_id), size), plain)


def _place(content: Digest) -> str:
    return f"blobs/{content.replace(':', '/')}"


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = size, 0o644, clock.EPOCH
    return entry


__all__ = ["load", "pull"]
