"""What a layer holds, as far as the proof of an image's libraries needs to know it."""

from __future__ import annotations

import csv
import io
import re
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, BinaryIO, cast

import msgspec
import zstandard

from sealift.archive import Entry
from sealift.errors import IntegrityError
from sealift.layers import plain
from sealift.package import elf, ldcache
from sealift.package.elf import DamagedError, Elf
from sealift.record.pin import normal

_CHUNK = 1 << 20
_IN_MEMORY = 32 << 20
_SUMS = re.compile(r"var/lib/dpkg/(?:status\.d|info)/([^/:]+)(?::\w+)?\.md5sums")
_INFO = re.compile(r"(.*/)?([^/]+)-([^/-]+)\.dist-info/(RECORD|METADATA|WHEEL)")
_REQUIRES = re.compile(r"^Requires-Dist:\s*([A-Za-z0-9._-]+)", re.MULTILINE)
_TAG = re.compile(r"^Tag:\s*(\S+)", re.MULTILINE)


class Wheel(msgspec.Struct, frozen=True, kw_only=True):
    """An installed wheel: the tags that it was made for, and the wheels that it asks for."""

    name: str
    version: str
    tags: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()


class Inventory(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A layer's files by their names, its ELF files with what the linker reads of them.

    ``damaged`` has the reason for each file that begins like ELF and is not. ``wheels`` and
    ``debs`` say for each ELF file which wheel or Debian package brought it. ``cached`` is the
    content of the linker's own cache of libraries, None where the layer has no such file.
    """

    files: tuple[str, ...] = ()
    links: dict[str, str] = {}
    folders: tuple[str, ...] = ()
    elves: dict[str, Elf] = {}
    damaged: dict[str, str] = {}
    owners: dict[str, str] = {}
    debs: dict[str, str] = {}
    wheels: dict[str, Wheel] = {}
    cached: dict[str, str] | None = None


def take(blob: BinaryIO, media_type: str, room: Path) -> Inventory:
    """The inventory of a layer's blob, which is read once, to its end.

    ``room`` is a folder for what does not fit into memory. Raises ``IntegrityError`` when the
    layer is damaged, ``PackageError`` for a type of layer that cannot be read.
    """
    desk = _Desk(room)
    try:
        with tarfile.open(fileobj=plain(blob, media_type), mode="r|", bufsize=_CHUNK) as tar:
            for info in tar:
                desk.enter(info, tar)
        while blob.read(_CHUNK):
            pass
    except (tarfile.TarError, EOFError, zlib.error, zstandard.ZstdError) as error:
        raise IntegrityError(f"A layer cannot be read: {error}.") from error
    return desk.inventory()


def of_entries(entries: Iterable[Entry]) -> Inventory:
    """The inventory of the layer that these entries are written to: as ``take`` reads it there."""
    desk = _Desk()
    for entry in entries:
        desk.put(entry)
    return desk.inventory()


class _Desk:
    """Takes members in one by one."""

    def __init__(self, room: Path | None = None) -> None:
        self._room = room
        self._files: list[str] = []
        self._links: dict[str, str] = {}
        self._folders: list[str] = []
        self._elves: dict[str, Elf] = {}
        self._damaged: dict[str, str] = {}
        self._notes: dict[str, str] = {}
        self._cached: dict[str, str] | None = None

    def enter(self, info: tarfile.TarInfo, tar: tarfile.TarFile) -> None:
        """Take in one member."""
        name = clean(info.name)
        if info.isdir():
            self._folders.append(name)
        elif info.issym():
            self._links[name] = info.linkname
        elif info.islnk():
            self._again(name, clean(info.linkname))
        elif info.isreg():
            self._files.append(name)
            self._content(name, tar.extractfile(info) or io.BytesIO())

    def put(self, entry: Entry) -> None:
        """Take in what is to be a member; its content can be sought in."""
        name = clean(entry.name)
        if entry.kind == "folder":
            self._folders.append(name)
        elif entry.kind == "link":
            self._links[name] = entry.target
        else:
            self._files.append(name)
            with entry.open() as content:
                if not self._told(name, content) and content.read(len(elf.MAGIC)) == elf.MAGIC:
                    self._elf(name, content)

    def _again(self, name: str, first: str) -> None:
        """A second name of a file that has been read."""
        self._files.append(name)
        if first in self._elves:
            self._elves[name] = self._elves[first]
        if first in self._damaged:
            self._damaged[name] = self._damaged[first]

    def _content(self, name: str, content: IO[bytes]) -> None:
        if not self._told(name, content):
            self._maybe_elf(name, content)

    def _told(self, name: str, content: IO[bytes]) -> bool:
        """Whether a file is one of those that tell of others; then it is taken in."""
        if _SUMS.fullmatch(name) or _INFO.fullmatch(name):
            self._notes[name] = content.read().decode(errors="replace")
        elif name == ldcache.PLACE:
            self._cached = ldcache.read(content.read())
        else:
            return False
        return True

    def _maybe_elf(self, name: str, content: IO[bytes]) -> None:
        head = content.read(len(elf.MAGIC))
        if head != elf.MAGIC:
            return
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY, dir=str(self._room)) as whole:
            whole.write(head)
            shutil.copyfileobj(content, whole, _CHUNK)
            self._elf(name, cast("IO[bytes]", whole))

    def _elf(self, name: str, whole: IO[bytes]) -> None:
        try:
            self._elves[name] = elf.read(whole)
        except DamagedError as error:
            self._damaged[name] = str(error)

    def inventory(self) -> Inventory:
        """All that was taken in."""
        judged = {*self._elves, *self._damaged}
        return Inventory(
            files=tuple(self._files),
            links=self._links,
            folders=tuple(self._folders),
            elves=self._elves,
            damaged=self._damaged,
            owners=dict(_owned(self._notes, judged)),
            debs=dict(_installed(self._notes, judged)),
            wheels={wheel.name: wheel for wheel in _wheels(self._notes)},
            cached=self._cached,
        )


def clean(name: str) -> str:
    """A member's name without ``./`` at its beginning; ``.`` is the root.

    >>> clean("./usr//bin/"), clean("./")
    ('usr/bin', '.')
    """
    return "/".join(part for part in name.split("/") if part not in ("", ".")) or "."


def _wheels(notes: dict[str, str]) -> Iterator[Wheel]:
    for path, text in notes.items():
        found = _INFO.fullmatch(path)
        if found and found[4] == "METADATA":
            tags = notes.get(f"{path.removesuffix('METADATA')}WHEEL", "")
            yield Wheel(
                name=normal(found[2]),
                version=found[3],
                tags=tuple(_TAG.findall(tags)),
                requires=tuple(sorted({normal(name) for name in _REQUIRES.findall(text)})),
            )


def _owned(notes: dict[str, str], names: set[str]) -> Iterator[tuple[str, str]]:
    """Which of these files belong to a wheel, by the lists of installed files."""
    for path, text in notes.items():
        found = _INFO.fullmatch(path)
        if not found or found[4] != "RECORD":
            continue
        for row in csv.reader(io.StringIO(text)):
            name = _beside(found[1] or "", row[0]) if row else ""
            if name in names:
                yield name, normal(found[2])


def _beside(folder: str, name: str) -> str:
    """A name in a list of files, relative to the folder that the wheel was installed to."""
    parts: list[str] = []
    for part in f"{folder}{name}".split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part not in ("", ".", ".."):
            parts.append(part)
    return "/".join(parts)


def _installed(notes: dict[str, str], names: set[str]) -> Iterator[tuple[str, str]]:
    """Which of these files belong to a Debian package, by the lists of their sums."""
    for path, text in notes.items():
        if found := _SUMS.fullmatch(path):
            for line in text.splitlines():
                if line[34:] in names:
                    yield line[34:], found[1]


__all__ = ["Inventory", "Wheel", "clean", "of_entries", "take"]
