"""Bringing an image from the store into an engine's own, once for each digest."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sealift import clock, digest
from sealift.adapters.engines import leftovers
from sealift.adapters.engines.podman_command import Command
from sealift.ports import Store
from sealift.record.image import MANIFEST, Manifest
from sealift.types import Digest, Json

NAME = "localhost/sealift"


def pull(command: Command, store: Store, image: Digest, live: Path) -> str:
    """Bring it into podman, which reads the store's own files; the name it has there.

    The name is the digest of its configuration, which covers the content of every layer.
    """
    known = store.manifest(image).config.digest.removeprefix("sha256:")
    if not command.tell("image", "exists", known):
        with _alone(store, image, live) as folder:
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
def _scratch(live: Path) -> Iterator[Path]:
    live.mkdir(parents=True, exist_ok=True)
    leftovers.clear(live, "image-*")
    with TemporaryDirectory(prefix="image-", dir=live) as folder:
        yield Path(folder)


@contextmanager
def _alone(store: Store, image: Digest, live: Path) -> Iterator[Path]:
    """A layout of this image alone, whose blobs are those of the store."""
    with store.open(image) as blob:
        size = len(blob.read())
    entry: Json = {"mediaType": MANIFEST, "digest": image, "size": size}
    with _scratch(live) as folder:
        (folder / "oci-layout").write_bytes(digest.canonical({"imageLayoutVersion": "1.0.0"}))
        (folder / "blobs").symlink_to((store.root / "blobs").absolute())
        index: Json = {"schemaVersion": 2, "manifests": [entry]}
        (folder / "index.json").write_bytes(digest.canonical(index))
        yield folder


def _archive(store: Store, manifest: Manifest, name: str, path: Path) -> None:
    """Write the archive that ``docker load`` reads: blobs, and a list of what they are."""
    names = {blob.digest: f"blobs/{blob.digest.replace(':', '/')}" for blob in
             (manifest.config, *manifest.layers)}  # fmt: skip
    table: Json = [
        {
            "Config": names[manifest.config.digest],
            "RepoTags": [name],
            "Layers": [names[layer.digest] for layer in manifest.layers],
        }
    ]
    with tarfile.open(path, "w") as archive:
        for blob in {blob.digest: blob for blob in (manifest.config, *manifest.layers)}.values():
            with store.open(blob.digest) as content:
                archive.addfile(_entry(names[blob.digest], blob.size), content)
        listing = digest.canonical(table)
        archive.addfile(_entry("manifest.json", len(listing)), io.BytesIO(listing))


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = size, 0o644, clock.EPOCH
    return entry


__all__ = ["load", "pull"]
