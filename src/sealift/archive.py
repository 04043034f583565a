"""Deterministic tars: equal content gives equal bytes, whoever packs it, where and when.

Entries are written in the order given, with numeric owners, no owner names, one time and fixed
modes, in the ustar dialect; a pax header appears only where a name or size demands one.
The format is that of POSIX.1-2001, pax interchange.
"""

from __future__ import annotations

import errno
import io
import os
import stat
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal, cast

from sealift import clock
from sealift.errors import DataError

if TYPE_CHECKING:
    from typing_extensions import Buffer

CHUNK = 1 << 20
LARGE = 4 << 20
"""Bytes from which on it pays to let the system have files, instead of reading them."""
BLOCK = 4096
"""The bytes of a block on most disks."""
_STEP = 16 << 20
_KINDS = {"file": tarfile.REGTYPE, "folder": tarfile.DIRTYPE, "link": tarfile.SYMTYPE}


@dataclass(frozen=True)
class Entry:
    """One member of a tar.

    ``name`` is relative, with forward slashes. ``content`` is the bytes of a file or where they
    lie; ``target`` is what a symbolic link points to. ``owner`` is user and group id. ``comment``
    stands in a pax header of its own, where readers ignore it.
    """

    name: str
    kind: Literal["file", "folder", "link"]
    mode: int = 0o644
    content: bytes | Path = b""
    target: str = ""
    owner: int = 0
    comment: str = ""

    def open(self) -> BinaryIO:
        """The content of a file. Raises ``DataError`` where it cannot be read."""
        if isinstance(self.content, bytes):
            return io.BytesIO(self.content)
        try:
            return self.content.open("rb")
        except OSError as error:
            raise _unreadable(error, self.content) from error

    @property
    def size(self) -> int:
        """The bytes of a file, 0 for all else. Raises ``DataError`` where it cannot be read."""
        if self.kind != "file":
            return 0
        if isinstance(self.content, bytes):
            return len(self.content)
        try:
            return self.content.stat().st_size
        except OSError as error:
            raise _unreadable(error, self.content) from error


def entries(root: Path) -> Iterator[Entry]:
    """A folder as entries in order of name bytes, the folder itself first as ``.``.

    Modes are 0755 for folders and executable files, else 0644. Raises ``DataError`` for what a
    tree cannot hold: sockets, devices, and links that lead out of it.
    """
    yield Entry(name=".", kind="folder", mode=0o755)
    yield from _below(root, root)


def file_entry(name: str, path: Path) -> Entry:
    """A file of the disk under another name; its mode is 0755 if executable, else 0644."""
    mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
    return Entry(name=name, kind="file", mode=mode, content=path)


def _below(folder: Path, root: Path) -> Iterator[Entry]:
    for item in sorted(os.scandir(folder), key=lambda item: os.fsencode(item.name)):
        path = Path(item.path)
        name = path.relative_to(root).as_posix()
        if item.is_symlink():
            yield Entry(name=name, kind="link", mode=0o777, target=_inner(path, name))
        elif item.is_dir():
            yield Entry(name=name, kind="folder", mode=0o755)
            yield from _below(path, root)
        elif item.is_file():
            yield file_entry(name, path)
        else:
            raise DataError(
                "A socket, pipe or device cannot be kept.",
                where=str(path),
                remedy="Remove it, or write it outside the declared output.",
            )


def _inner(path: Path, name: str) -> str:
    target = str(path.readlink())
    if leads_out(name, target):
        raise DataError(
            f"A symbolic link leads out of the tree, to {target!r}.",
            where=str(path),
            remedy="Copy the file into the tree, or link to it by a relative path inside.",
        )
    return target


def leads_out(name: str, target: str) -> bool:
    """Whether a link called ``name`` (relative to the tree) points outside of the tree.

    >>> leads_out("a/b", "../c"), leads_out("a/b", "../../c"), leads_out("a", "/etc")
    (False, True, True)
    """
    if target.startswith("/"):
        return True
    where = os.path.normpath(os.path.join(os.path.dirname(name), target))  # noqa: PTH118, PTH120
    return where == ".." or where.startswith("../")


def pack(members: Iterable[Entry], *, time: int = clock.EPOCH) -> Iterator[bytes]:
    """The bytes of a tar of these entries, in pieces of at most 1 MiB.

    ``time`` is written on every entry, in seconds since 1970. Raises ``DataError`` when a file
    changes its size while it is read.
    """
    for entry in members:
        size = entry.size
        yield _header(entry, size, time)
        if entry.kind == "file":
            yield from _content(entry, size)
            yield b"\0" * (-size % tarfile.BLOCKSIZE)
    yield b"\0" * (2 * tarfile.BLOCKSIZE)


class Packed(io.BufferedReader):
    """A tar of entries, to be read or poured into a file, once; to pour takes less time."""

    def __init__(self, members: Iterable[Entry]) -> None:
        self._members = members
        super().__init__(_Pieces(pack(self._members)), CHUNK)

    def pour(self, file: BinaryIO) -> Iterator[int]:
        """Write it all to the end of a file; how much, after every step.

        Large files are copied by the system itself. Raises what ``pack`` raises.
        """
        for entry in self._members:
            size = entry.size
            yield file.write(_header(entry, size, clock.EPOCH))
            if isinstance(entry.content, Path) and size >= LARGE:
                yield from _poured(entry.content, size, file)
            elif entry.kind == "file":
                for piece in _content(entry, size):
                    yield file.write(piece)
            yield file.write(b"\0" * (-size % tarfile.BLOCKSIZE))
        yield file.write(b"\0" * (2 * tarfile.BLOCKSIZE))


class Framed(Packed):
    """A tar of folders and, last, one file, whose content begins at a whole block of the disk.

    A comment fills up what stands before it, so that a file system can put ``head`` before the
    file's own blocks and ``tail`` behind them instead of copying it. Whoever keeps it may do so:
    the file is given away.
    """

    def __init__(self, folders: Sequence[Entry], file: Entry) -> None:
        if not isinstance(file.content, Path):
            raise TypeError("Only a file of the disk can be framed.")
        self.path, self.size = file.content, file.size
        above = b"".join(_header(one, 0, clock.EPOCH) for one in folders)
        least = _header(replace(file, comment="."), self.size, clock.EPOCH)
        filled = replace(file, comment="." * (1 + -(len(above) + len(least)) % BLOCK))
        self.head = above + _header(filled, self.size, clock.EPOCH)
        self.tail = b"\0" * (-self.size % tarfile.BLOCKSIZE + 2 * tarfile.BLOCKSIZE)
        super().__init__([*folders, filled])


def _poured(path: Path, size: int, to: BinaryIO) -> Iterator[int]:
    try:
        source = path.open("rb", buffering=0)
    except OSError as error:
        raise _unreadable(error, path) from error
    to.flush()
    with source:
        done = 0
        while done < size and (count := _sent(source, to, done, min(_STEP, size - done))):
            done += count
            yield count
        if done < size or os.fstat(source.fileno()).st_size != size:
            raise changed(path)
    to.seek(0, os.SEEK_END)  # where the system put the place, without the file's knowledge


def _sent(source: BinaryIO, to: BinaryIO, start: int, count: int) -> int:
    """Copy some bytes; how many. Some file systems cannot by themselves."""
    try:
        return os.sendfile(to.fileno(), source.fileno(), start, count)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP):
            raise
    return os.write(to.fileno(), os.pread(source.fileno(), min(count, CHUNK), start))


def _unreadable(error: OSError, path: Path) -> DataError:
    return DataError(f"A file cannot be read: {error.strerror}.", where=str(path))


def _header(entry: Entry, size: int, time: int) -> bytes:
    info = tarfile.TarInfo(entry.name)
    info.type = _KINDS[entry.kind]
    info.mode = stat.S_IMODE(entry.mode)
    info.uid = info.gid = entry.owner
    info.size = size
    info.mtime = time
    info.linkname = entry.target
    if entry.comment:
        info.pax_headers = {"comment": entry.comment}
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _content(entry: Entry, size: int) -> Iterator[bytes]:
    if isinstance(entry.content, bytes):
        yield entry.content
        return
    left = size
    for piece in _pieces(entry.content):
        left -= len(piece)
        if left < 0:
            break
        yield piece
    if left:
        raise changed(entry.content)


def changed(path: Path) -> DataError:
    """What to raise where a file is not what it was when it was first looked at."""
    return DataError(
        "A file changed while it was read.",
        where=str(path),
        remedy="Wait until whatever writes it has ended, then run the command again.",
    )


def _pieces(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while piece := file.read(CHUNK):
                yield piece
    except OSError as error:
        raise _unreadable(error, path) from error


class _Pieces(io.RawIOBase):
    """Pieces of bytes as one readable stream."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        room = memoryview(buffer)
        count = min(len(room), len(self._rest))
        room[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


def stream(pieces: Iterable[bytes]) -> BinaryIO:
    """Pieces of bytes as a stream that can be read once, holding one piece at a time.

    >>> stream([b"ab", b"", b"cd"]).read(3)
    b'abc'
    """
    return cast("BinaryIO", io.BufferedReader(_Pieces(pieces), CHUNK))


__all__ = [
    "LARGE",
    "Entry",
    "Framed",
    "Packed",
    "changed",
    "entries",
    "file_entry",
    "leads_out",
    "pack",
    "stream",
]
