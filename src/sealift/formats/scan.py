"""Every file of a model told by its bytes: what would run when it is loaded."""

from __future__ import annotations

import io
import os
import zipfile
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

from sealift import digest
from sealift.errors import DataError
from sealift.formats import keras, packed, skops, streams
from sealift.formats.evidence import Evidence, Finding

MEMBERS = 100_000
"""Most files of an archive that are looked into."""
DEEP = 3
"""Most archives inside one another."""
INNER = 256 << 20
"""Largest archive inside another that is looked into, in bytes."""

_HEAD = 16
_ZIP = b"PK\x03\x04"
_BROKEN = (
    *packed.BROKEN,
    zipfile.BadZipFile,
    NotImplementedError,  # a compression that this Python does not have
    RuntimeError,  # an encrypted member
    ValueError,
    zlib.error,
)
Opener = Callable[[], AbstractContextManager[BinaryIO]]


def scan(root: Path, *, called: str = "") -> list[Finding]:
    """The files of a tree that would run code when they are loaded, and what is not clear.

    ``root`` is a file or a folder, ``called`` a file's name where that is another. Links are not
    followed, since a tree holds what they lead to. Nothing is executed, imported or unpacked to
    the disk. Memory and time are bounded, whatever the files hold; what is beyond the bounds is
    ``unreadable``. Raises ``DataError`` for a file that cannot be read.
    """
    return [found for path in digest.walk(root) if (found := _file(path, root, called)) is not None]


def examine(open_it: Opener, size: int | None, name: str) -> Evidence:
    """What is seen in one stream; ``open_it`` opens it anew from its beginning each time.

    ``size`` is its length in bytes where it can seek at no cost.
    """
    seen = Evidence()
    _look(open_it, size, name, seen, DEEP)
    return seen


def _file(path: Path, root: Path, called: str) -> Finding | None:
    if path.is_symlink() or not path.is_file():
        return None
    name = called or path.name if path == root else path.relative_to(root).as_posix()
    try:
        seen = examine(lambda: path.open("rb"), path.stat().st_size, name)
        if not seen.imports and not seen.unclear:
            return None
        return seen.finding(name, digest.of_file(path))
    except OSError as error:
        raise DataError(
            f"A file cannot be read: {error.strerror or error}.",
            where=str(path),
            remedy="Mend its permissions, or the disk.",
        ) from error


def _look(open_it: Opener, size: int | None, name: str, seen: Evidence, deep: int) -> None:
    """Take a stream for everything that its bytes allow: loaders decide by different marks."""
    with open_it() as stream:
        head = stream.read(_HEAD)
    with open_it() as stream:
        streams.pickles(stream, size, seen)
    with open_it() as stream:
        if head.startswith(streams.NPY):
            streams.array(stream, size, seen)
        elif head.startswith(keras.HDF5):
            keras.layers(stream, seen)
        elif os.path.basename(name) == keras.GRAPH:  # noqa: PTH119 - the name may be an archive's
            keras.operations(stream, seen)
    if kind := packed.compression(head):
        _unpack(open_it, kind, seen)
    _archive(open_it, size, head, seen, deep)


def _unpack(open_it: Opener, kind: str, seen: Evidence) -> None:
    inner = seen.inner()
    with open_it() as stream:
        unpacked = packed.unpacked(kind, stream)
        if unpacked is None:
            inner.doubt(f"what is in it: compression by {kind} is not looked into")
        else:
            try:
                streams.pickles(unpacked, None, inner)
            except packed.BROKEN:
                inner.doubt("what is in it: its compression is damaged")
    seen.add(kind, inner)


def _archive(open_it: Opener, size: int | None, head: bytes, seen: Evidence, deep: int) -> None:
    declared, inner = head.startswith(_ZIP), seen.inner()
    if size is None and not declared:
        return
    with open_it() as outer:
        stream = outer if size is not None else _copy(outer, inner, deep)
        if stream is not None and (declared or zipfile.is_zipfile(stream)):
            try:
                with zipfile.ZipFile(stream) as archive:
                    _members(archive, inner, deep)
            except _BROKEN as error:
                if declared or inner.imports:
                    inner.doubt(f"what is in it: {error}")
    seen.add("zip", inner)


def _copy(stream: BinaryIO, seen: Evidence, deep: int) -> BinaryIO | None:
    """An archive inside another, in memory; None where it is too large or lies too deep."""
    content = stream.read(INNER + 1) if deep else b""
    if not content or len(content) > INNER:
        seen.doubt("what is in an archive inside it, which is too large or lies too deep")
        return None
    seen.left -= len(content)
    return io.BytesIO(content)


def _members(archive: zipfile.ZipFile, seen: Evidence, deep: int) -> None:
    members = archive.infolist()
    if len(members) > MEMBERS:
        seen.doubt(f"what is in its {len(members)} files, which are too many")
        return
    for one in members:
        open_it = partial(_open, archive, one)
        if one.filename == skops.SCHEMA:
            skops.names(_whole(archive, one, seen), seen)
        elif one.filename == keras.CONFIG:
            with open_it() as stream:
                keras.layers(stream, seen)
        if not one.is_dir():
            _look(open_it, None, one.filename, seen, deep - 1)


def _open(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> BinaryIO:
    return cast("BinaryIO", archive.open(member))


def _whole(archive: zipfile.ZipFile, member: zipfile.ZipInfo, seen: Evidence) -> bytes:
    with archive.open(member) as stream:
        content = stream.read(INNER)
    seen.left -= len(content)
    return content


__all__ = ["examine", "scan"]
