"""One layer of an image as a folder, by the rules of image-spec 1.1, layer.md.

Files lie below ``files`` with their modes and times; ``layer.json`` keeps what the folder cannot
say: the stated modes and times of folders, and the whiteouts (``.wh.NAME`` hides NAME of the
layers below, ``.wh..wh..opq`` everything of them in its folder). Owners are not kept: all belongs
to the caller. Device files are left out, and set-user-id bits, which nothing here may use.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

import msgspec

from sealift.adapters.stores import trees
from sealift.errors import IntegrityError

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"


class Notes(msgspec.Struct):
    """What a folder on disk cannot say of a layer; all names are relative to its root."""

    folders: dict[str, tuple[int, float]] = {}
    hidden: list[str] = []
    opaque: list[str] = []


def unpack(content: BinaryIO, target: Path, source: str) -> None:
    """Unpack a plain layer to the new folder ``target``; ``source`` names it in errors.

    Raises ``IntegrityError`` for names that leave the layer, also through links of its own.
    """
    root = target / "files"
    root.mkdir(parents=True)
    unpacking = _Unpacking(root, source)
    for member in trees.members(content, source):
        unpacking.take(member)
    (target / "layer.json").write_bytes(msgspec.json.encode(unpacking.notes))


def notes(folder: Path) -> Notes:
    """What ``unpack`` noted."""
    return msgspec.json.decode((folder / "layer.json").read_bytes(), type=Notes)


class _Unpacking:
    """A layer going to disk; ``_real`` are its folders, the only ones that are written into."""

    def __init__(self, root: Path, source: str) -> None:
        self._root = root
        self._source = source
        self._real = {"."}
        self.notes = Notes()

    def take(self, member: trees.Member) -> None:
        folder, _, base = member.name.rpartition("/")
        folder = folder or "."
        if base == _OPAQUE:
            self.notes.opaque.append(folder)
        elif base.startswith(_WHITEOUT):
            hidden = f"{folder}/{base[len(_WHITEOUT) :]}"
            self.notes.hidden.append(trees.clean(hidden, self._source))
        elif member.info.isdir():
            self._stated(member)
        elif not (member.info.ischr() or member.info.isblk() or member.info.isfifo()):
            self._folder(folder)
            self._forget(member.name)
            self._file(member)

    def _stated(self, member: trees.Member) -> None:
        if member.name not in self._real:
            self._folder(member.name.rpartition("/")[0] or ".")
            trees.remove(self._root / member.name)
            self._folder(member.name)
        info = member.info
        self.notes.folders[member.name] = (stat.S_IMODE(info.mode), float(info.mtime))

    def _file(self, member: trees.Member) -> None:
        info, path = member.info, self._root / member.name
        if info.issym():
            path.symlink_to(info.linkname)
            os.utime(path, (info.mtime, info.mtime), follow_symlinks=False)
        elif info.islnk():
            os.link(self._linked(info.linkname), path, follow_symlinks=False)
        elif info.isreg() and not info.issparse():
            member.write(path, stat.S_IMODE(info.mode) & 0o777)
        else:
            self._refuse("A layer holds something unfit.", member.name)

    def _folder(self, name: str) -> None:
        if name in self._real:
            return
        self._folder(name.rpartition("/")[0] or ".")
        if os.path.lexists(self._root / name):
            self._refuse("A layer writes through a link or a file.", name)
        (self._root / name).mkdir()
        self._real.add(name)

    def _forget(self, name: str) -> None:
        """Make room for an entry that comes again."""
        if name == ".":
            self._refuse("A layer replaces its own root.", name)
        if name in self._real:
            inner = {real for real in self._real if f"{real}/".startswith(f"{name}/")}
            self._real -= inner
            for gone in inner:
                self.notes.folders.pop(gone, None)
        trees.remove(self._root / name)

    def _linked(self, target: str) -> Path:
        name = trees.clean(target, self._source)
        path = self._root / name
        held = (name.rpartition("/")[0] or ".") in self._real
        if not held or not (path.is_symlink() or path.is_file()):
            self._refuse("A layer links to a file that it does not hold.", name)
        return path

    def _refuse(self, what: str, name: str) -> None:
        raise IntegrityError(what, where=f"{self._source}: {name}")


__all__ = ["Notes", "notes", "unpack"]
