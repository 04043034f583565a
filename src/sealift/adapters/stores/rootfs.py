"""Root file systems: the unpacked layers of an image, flattened by hard links."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from sealift import digest
from sealift.adapters.stores import layers, trees
from sealift.adapters.stores.inflate import inflated
from sealift.errors import IntegrityError, PackageError
from sealift.record.image import Descriptor, Manifest
from sealift.types import Digest

if TYPE_CHECKING:
    from sealift.ports import Store

_AT_ONCE = 2
_MOST_LINKS = 40  # as many as Linux follows


class _Rootfs(msgspec.Struct):
    diff_ids: list[Digest]


class _Config(msgspec.Struct):
    rootfs: _Rootfs


def assemble(store: Store, manifest: Manifest, unpacked: Path) -> Path:
    """The root file system of an image below ``unpacked``, made once for each chain of layers."""
    diff_ids = _diff_ids(store, manifest)
    chain = digest.of_json(list(diff_ids)).removeprefix("sha256:")

    def make(part: Path) -> None:
        def unpack(layer: Descriptor, diff_id: Digest) -> Path:
            return _unpacked(store, layer, diff_id, unpacked / "layers")

        with ThreadPoolExecutor(_AT_ONCE) as threads:
            folders = list(threads.map(unpack, manifest.layers, diff_ids))
        part.mkdir()
        flat = _Flattening(part)
        for folder in folders:
            flat.add(folder)
        flat.finish()

    return trees.once(unpacked / "rootfs" / chain, make)


def _diff_ids(store: Store, manifest: Manifest) -> list[Digest]:
    where = manifest.config.digest
    with store.open(where) as stream:
        content = stream.read()
    try:
        found = msgspec.json.decode(content, type=_Config).rootfs.diff_ids
    except msgspec.MsgspecError as error:
        raise PackageError("This is not an image that can run.", where=where) from error
    if len(found) != len(manifest.layers):
        raise IntegrityError("An image and its configuration differ in layers.", where=where)
    return found


def _unpacked(store: Store, layer: Descriptor, diff_id: Digest, folder: Path) -> Path:
    def make(part: Path) -> None:
        with store.open(layer.digest) as content:
            layers.unpack(inflated(content, layer, diff_id), part, layer.digest)

    return trees.once(folder / diff_id.removeprefix("sha256:"), make)


class _Flattening:
    """Layers laid over each other in the folder ``root``.

    ``_folders`` holds the modes and times that folders get at the end: until then all must be
    writable.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folders: dict[str, tuple[int, float]] = {".": (0o755, 0.0)}
        self._notes = layers.Notes()

    def add(self, layer: Path) -> None:
        """Lay one layer over what is there."""
        self._notes = layers.notes(layer)
        for name in self._notes.opaque:
            folder = self._root / self._inside(name)
            for item in list(folder.iterdir()) if folder.is_dir() else []:
                self._drop(item.relative_to(self._root).as_posix())
        for name in self._notes.hidden:
            above, _, last = name.rpartition("/")
            self._drop(_join(self._inside(above or "."), last))
        self._folders["."] = self._notes.folders.get(".", self._folders["."])
        self._merge(layer / "files", ".", ".")

    def finish(self) -> None:
        """Set the modes and times of folders, inner ones first.

        The owner keeps all rights: he must be able to delete them, and whoever runs in a container
        finds the whole of it mounted read-only anyway.
        """
        order = sorted(self._folders.items(), key=lambda item: (item[0] != ".", item[0]))
        for name, (mode, at) in reversed(order):
            os.utime(self._root / name, (at, at))
            (self._root / name).chmod(mode | 0o700)

    def _merge(self, source: Path, stated: str, name: str) -> None:
        """Merge a folder called ``stated`` in its layer into the folder ``name``."""
        with os.scandir(source) as items:
            for item in items:
                inner = _join(name, item.name)
                if item.is_dir(follow_symlinks=False):
                    here = _join(stated, item.name)
                    self._merge(Path(item.path), here, self._folder(here, inner))
                else:
                    self._drop(inner)
                    os.link(item.path, self._root / inner, follow_symlinks=False)

    def _folder(self, stated: str, name: str) -> str:
        """Make sure of a folder, and say where it is.

        One that a layer only implies may be a link of a layer below; one it states replaces that.
        """
        note = self._notes.folders.get(stated)
        if note is None and (self._root / name).is_symlink():
            name = self._target(name, 0)
        path = self._root / name
        if path.is_symlink() or not path.is_dir():
            self._drop(name)
            path.mkdir(parents=True)
            self._folders[name] = (0o755, 0.0)
        if note is not None:
            self._folders[name] = note
        return name

    def _inside(self, name: str) -> str:
        """Where a folder named by a whiteout lies, links of lower layers followed."""
        place = "."
        for part in name.split("/") if name != "." else []:
            place = _join(place, part)
            if (self._root / place).is_symlink():
                place = self._target(place, 0)
        return place

    def _target(self, link: str, depth: int) -> str:
        """What a link leads to, as a name inside the root: never outside, whatever it says."""
        if depth > _MOST_LINKS:
            raise IntegrityError("Links of an image lead in a circle.", where=link)
        target = str((self._root / link).readlink())
        place = "." if target.startswith("/") else link.rpartition("/")[0] or "."
        for part in target.split("/"):
            if part == "..":
                place = place.rpartition("/")[0] or "."
            elif part not in ("", "."):
                place = _join(place, part)
                if (self._root / place).is_symlink():
                    place = self._target(place, depth + 1)
        return place

    def _drop(self, name: str) -> None:
        path = self._root / name
        if not os.path.lexists(path):
            return
        if path.is_dir() and not path.is_symlink():
            inner = f"{name}/"
            for gone in [key for key in self._folders if key == name or key.startswith(inner)]:
                del self._folders[gone]
        trees.remove(path)


def _join(folder: str, name: str) -> str:
    return name if folder == "." else f"{folder}/{name}"


__all__ = ["assemble"]
