"""A store in the form of an OCI image layout on disk (image-spec 1.1, image-layout.md)."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import msgspec

from sealift import archive
from sealift.adapters.stores import rootfs, trees
from sealift.adapters.stores.blobs import Blobs
from sealift.adapters.stores.index import Index
from sealift.errors import DataError, IntegrityError, NotFoundError
from sealift.record.image import LAYER, MANIFEST, Descriptor, Manifest
from sealift.types import Digest

_SMALLEST_PREFIX = 12
_LARGEST_MANIFEST = 4 << 20


class Layout:
    """The layout in the folder ``root``; trees and root file systems go below ``unpacked``.

    Any number of processes may use it at once, and any of them may be killed at any time.
    """

    def __init__(self, root: Path, unpacked: Path) -> None:
        self._root = root
        self._unpacked = unpacked
        self._blobs = Blobs(root)
        self._index = Index(root)
        self._known: dict[Digest, Manifest] = {}

    @property
    def root(self) -> Path:
        """The folder of the layout."""
        return self._root

    def has(self, digest: Digest) -> bool:
        """Whether a blob is here."""
        return self._blobs.path(digest).exists()

    def put(self, content: BinaryIO | bytes, media_type: str) -> Descriptor:
        """Keep a blob. A manifest with a ``subject`` is listed among that one's referrers."""
        digest, size = self._blobs.put(content)
        kept = Descriptor(media_type=media_type, digest=digest, size=size)
        if media_type == MANIFEST:
            manifest = self.manifest(digest)
            kept = msgspec.structs.replace(kept, artifact_type=manifest.artifact_type)
            if manifest.subject:
                self._index.add(kept)
        return kept

    def adopt(self, file: Path, digest: Digest) -> None:
        """Take a finished file as a blob: moved, not copied, nor hashed again."""
        self._blobs.adopt(file, digest)

    def open(self, digest: Digest) -> BinaryIO:
        """Read a blob; its digest is checked at the end of the stream."""
        return self._blobs.open(digest)

    def tag(self, name: str, manifest: Descriptor) -> None:
        """Name a manifest; the name moves if it is taken."""
        if not self.has(manifest.digest):
            raise NotFoundError("A manifest that is not here cannot be named.", where=name)
        self._index.name(name, manifest)

    def resolve(self, reference: str) -> Descriptor:
        """The manifest of a name, of a digest or of a unique beginning of one."""
        short = reference.removeprefix("sha256:")
        if len(short) >= _SMALLEST_PREFIX and not set(short) - set("0123456789abcdef"):
            found = self._beginning(short)
            if len(found) == 1:
                return found[0]
            if found:
                raise NotFoundError(
                    f"{reference!r} is the beginning of {len(found)} manifests.",
                    remedy="Give more digits.",
                )
        return self._index.find(reference)

    def manifest(self, digest: Digest) -> Manifest:
        """A manifest as a record."""
        try:
            return msgspec.json.decode(self._blobs.read(digest), type=Manifest)
        except msgspec.MsgspecError as error:
            raise IntegrityError(f"This is not a manifest: {error}.", where=digest) from error

    def referrers(self, subject: Digest, artifact_type: str = "") -> list[Descriptor]:
        """The manifests whose ``subject`` is this digest, oldest first."""
        found: dict[Digest, Descriptor] = {}
        for entry, manifest in self._manifests():
            if manifest.subject is None or manifest.subject.digest != subject:
                continue
            kind = manifest.artifact_type or manifest.config.media_type
            if entry.digest not in found and artifact_type in ("", kind):
                found[entry.digest] = msgspec.structs.replace(
                    entry, artifact_type=kind, annotations=manifest.annotations
                )
        return list(found.values())

    def _manifests(self) -> list[tuple[Descriptor, Manifest]]:
        """What the index names, each read once: an image has several kinds of referrers, and a
        store has many images.
        """
        entries = [one for one in self._index.entries() if one.media_type == MANIFEST]
        known = self._known
        read = {
            one: known.get(one) or self.manifest(one) for one in {each.digest for each in entries}
        }
        self._known = read
        return [(one, read[one.digest]) for one in entries]

    def forget(self, referrer: Digest) -> None:
        """List a manifest no longer among the referrers of its subject; its names go too."""
        self._index.remove(referrer)

    def put_tree(self, root: Path) -> Digest:
        """Keep a file or a folder as one uncompressed, deterministic tar; the blob's digest.

        A folder's tar begins with the entry ``.``; a file's holds one entry, ``content``.
        """
        if root.is_dir() and not root.is_symlink():
            members = archive.entries(root)
        elif root.is_file() and not root.is_symlink():
            members = iter([archive.file_entry("content", root)])
        else:
            raise DataError("There is no file or folder to keep.", where=str(root))
        return self.put(archive.Packed(members), LAYER).digest

    def tree(self, digest: Digest) -> Path:
        """A kept tree as a read-only folder (or file), unpacked at most once."""
        target = self._unpacked / "trees" / self._blobs.path(digest).name

        def make(part: Path) -> None:
            with self.open(digest) as content:
                trees.unpack_tree(content, part, digest)

        return trees.once(target, make)

    def rootfs(self, manifest: Digest) -> Path:
        """The root file system of an image: its layers in order, as a folder not to be written.

        Files of layers that images share lie on the disk once, as hard links.
        """
        return rootfs.assemble(self, self.manifest(manifest), self._unpacked)

    def clear(self) -> None:
        """Remove everything that was unpacked; it is unpacked again when asked for."""
        for folder in ("trees", "layers", "rootfs"):
            trees.remove(self._unpacked / folder)

    def _beginning(self, digits: str) -> list[Descriptor]:
        folder = self._blobs.folder
        names = [path.name for path in folder.glob(f"{digits}*")] if folder.exists() else []
        found = [self._described(Digest(f"sha256:{name}")) for name in names]
        return [entry for entry in found if entry is not None]

    def _described(self, digest: Digest) -> Descriptor | None:
        """The descriptor of a blob if it is a manifest or an index."""
        size = self._blobs.path(digest).stat().st_size
        if size > _LARGEST_MANIFEST:
            return None
        try:
            content = msgspec.json.decode(self._blobs.read(digest), type=_Kind)
        except msgspec.MsgspecError:
            return None
        return Descriptor(
            media_type=content.media_type,
            digest=digest,
            size=size,
            artifact_type=content.artifact_type,
        )


class _Kind(msgspec.Struct, frozen=True, rename="camel"):
    schema_version: int
    media_type: str = MANIFEST
    artifact_type: str | None = None


__all__ = ["Layout"]
