"""The store in memory."""

from __future__ import annotations

import gzip
import io
import shutil
import stat
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import msgspec
import zstandard

from sealift import archive, digest
from sealift.errors import DataError, IntegrityError, NotFoundError, PackageError, UsageError
from sealift.record.image import LAYER, MANIFEST, Descriptor, Manifest
from sealift.record.shape import nearest
from sealift.types import Digest

_SHORTEST = 12
_WHITEOUT = ".wh."


class MemoryStore:
    """Implements ``ports.Store`` in memory; only what is unpacked lies in ``folder``.

    ``fault`` is called with the name of each effect before it happens and may raise, so that a
    test can let any of them fail. ``blobs`` may be changed, to damage content.
    """

    def __init__(self, folder: Path, fault: Callable[[str], None] | None = None) -> None:
        self.blobs: dict[Digest, bytes] = {}
        self._folder = folder
        self._fault = fault or (lambda _: None)
        self._manifests: dict[Digest, Descriptor] = {}
        self._names: dict[str, Descriptor] = {}

    @property
    def root(self) -> Path:
        """A folder that holds no layout."""
        return self._folder

    def has(self, digest: Digest) -> bool:
        """Whether a blob is here."""
        return digest in self.blobs

    def put(self, content: BinaryIO | bytes, media_type: str) -> Descriptor:
        """Keep a blob."""
        self._fault("store.put")
        data = content if isinstance(content, bytes) else content.read()
        address = digest.of_bytes(data)
        self.blobs[address] = data
        kept = Descriptor(media_type=media_type, digest=address, size=len(data))
        if media_type == MANIFEST:
            kind = self.manifest(address).artifact_type
            kept = msgspec.structs.replace(kept, artifact_type=kind)
            self._manifests.setdefault(address, kept)
        return kept

    def adopt(self, file: Path, digest: Digest) -> None:
        """Take a finished file as a blob."""
        self._fault("store.adopt")
        self.blobs[digest] = file.read_bytes()
        file.unlink()

    def open(self, digest: Digest) -> BinaryIO:
        """Read a blob; here its digest is checked at the beginning."""
        self._fault("store.open")
        return io.BytesIO(self._read(digest))

    def tag(self, name: str, manifest: Descriptor) -> None:
        """Name a manifest."""
        self._fault("store.tag")
        if manifest.digest not in self.blobs:
            raise NotFoundError("A manifest that is not here cannot be named.", where=name)
        if not name or name != name.strip("/:") or " " in name:
            raise UsageError(f"{name!r} cannot name an image.")
        self._names[name] = manifest

    def resolve(self, reference: str) -> Descriptor:
        """The manifest of a name, of a digest or of a unique beginning of one."""
        if reference in self._names:
            return self._names[reference]
        short = reference.removeprefix("sha256:")
        found = [kept for address, kept in self._manifests.items() if address[7:].startswith(short)]
        if len(short) >= _SHORTEST and len(found) == 1:
            return found[0]
        raise NotFoundError(
            f"Nothing in the store is called {reference!r}.",
            remedy=nearest(reference, self._names, "The store has no names yet."),
        )

    def manifest(self, digest: Digest) -> Manifest:
        """A manifest as a record."""
        try:
            return msgspec.json.decode(self._read(digest), type=Manifest)
        except msgspec.MsgspecError as error:
            raise IntegrityError(f"This is not a manifest: {error}.", where=digest) from error

    def referrers(self, subject: Digest, artifact_type: str = "") -> list[Descriptor]:
        """The manifests whose ``subject`` is this digest, oldest first."""
        found = []
        for address, kept in self._manifests.items():
            manifest = self.manifest(address)
            kind = manifest.artifact_type or manifest.config.media_type
            refers = manifest.subject is not None and manifest.subject.digest == subject
            if refers and artifact_type in ("", kind):
                notes = manifest.annotations
                found.append(msgspec.structs.replace(kept, artifact_type=kind, annotations=notes))
        return found

    def forget(self, referrer: Digest) -> None:
        """List a manifest no longer among the referrers of its subject."""
        self._fault("store.forget")
        self._manifests.pop(referrer, None)
        self._names = {name: kept for name, kept in self._names.items() if kept.digest != referrer}

    def put_tree(self, root: Path) -> Digest:
        """Keep a file or a folder as one deterministic tar."""
        self._fault("store.put_tree")
        if root.is_symlink() or not root.exists():
            raise DataError("There is no file or folder to keep.", where=str(root))
        single = [archive.file_entry("content", root)] if root.is_file() else None
        pieces = archive.pack(single or archive.entries(root))
        return self.put(archive.stream(pieces), LAYER).digest

    def tree(self, digest: Digest) -> Path:
        """A kept tree, unpacked at most once."""
        self._fault("store.tree")
        data = self._read(digest)
        target = self._folder / "trees" / digest[7:]
        if not target.exists():
            _extract(data, target)
            for path in [target, *target.rglob("*")]:
                if path.is_file() and not path.is_symlink():
                    path.chmod(stat.S_IMODE(path.stat().st_mode) & 0o555)
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
            return target if tar.getnames()[0] == "." else target / "content"

    def rootfs(self, manifest: Digest) -> Path:
        """The root file system of an image; made anew for each manifest."""
        self._fault("store.rootfs")
        target = self._folder / "rootfs" / manifest[7:]
        if target.exists():
            return target
        image = self.manifest(manifest)
        if "rootfs" not in msgspec.json.decode(self._read(image.config.digest)):
            raise PackageError("This is not an image that can run.", where=manifest)
        for layer in image.layers:
            data = _plain(self._read(layer.digest), layer.media_type)
            _hide(data, target)
            _extract(data, target)
        return target

    def _read(self, address: Digest) -> bytes:
        if address not in self.blobs:
            raise NotFoundError("This content is not in the store.", where=str(address))
        data = self.blobs[address]
        if digest.of_bytes(data) != address:
            raise IntegrityError("Stored content does not match its digest.", where=str(address))
        return data


def _plain(data: bytes, media_type: str) -> bytes:
    """The tar in a layer."""
    if media_type.endswith("zstd"):
        return zstandard.ZstdDecompressor().decompressobj().decompress(data)
    return gzip.decompress(data) if media_type.endswith("gzip") else data


def _extract(data: bytes, target: Path) -> None:
    """Unpack over what is there, without whiteouts; a file replaces a folder."""
    target.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
        # a filter of its own is not known to every 3.11
        tar.extraction_filter = lambda member, _: member
        for member in tar:
            path = target / member.name
            if path.name.startswith(_WHITEOUT):
                continue
            if path.is_symlink() or not member.isdir():
                _remove(path)
            tar.extract(member, target)
            if member.isdir():
                path.chmod(stat.S_IMODE(member.mode) | 0o700)


def _hide(data: bytes, target: Path) -> None:
    """Carry out the whiteouts of a layer on those below."""
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
        marks = [target / name for name in tar.getnames()]
    for mark in marks:
        if mark.name == f"{_WHITEOUT}{_WHITEOUT}.opq":
            for path in list(mark.parent.iterdir()) if mark.parent.is_dir() else []:
                _remove(path)
        elif mark.name.startswith(_WHITEOUT):
            _remove(mark.with_name(mark.name.removeprefix(_WHITEOUT)))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


__all__ = ["MemoryStore"]
