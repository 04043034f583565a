"""A file that becomes a blob where it lies: a frame goes around its bytes, which stay on the disk.

Linux shifts the blocks of a file by whole blocks without touching what is in them (fallocate(2),
FALLOC_FL_INSERT_RANGE), on ext4 and XFS. Elsewhere, and for files that somebody else may still
write to, ``framed`` says so, and nothing has happened.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import hashlib
import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from sealift.adapters.stores.aside import PIECE, Aside
from sealift.archive import BLOCK, Framed, changed
from sealift.types import Digest

_COLLAPSE = 0x08
_INSERT = 0x20
_fallocate = ctypes.CDLL(None, use_errno=True)["fallocate"]
_fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_longlong, ctypes.c_longlong)


@contextlib.contextmanager
def alone(path: Path) -> Iterator[BinaryIO | None]:
    """A file of its owner's, opened to be changed and locked; None if others have it as well.

    It has one name then, and nobody had it open just now, not even for a mapping.
    """
    with contextlib.ExitStack() as stack:
        found: BinaryIO | None = None
        with contextlib.suppress(OSError):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode & 0o777 | 0o200)  # copies of kept files have not
            file = stack.enter_context(path.open("r+b", buffering=0))
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            found = file if _is_sole(file.fileno()) and not path.is_symlink() else None
        yield found


def _is_sole(handle: int) -> bool:
    """Whether a file has one name, and nobody else has it open; ``OSError`` if that is not known.

    The kernel gives a lease for writing to the only one who has a file open.
    """
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        return False
    fcntl.fcntl(handle, fcntl.F_SETSIG, signal.SIGURG)  # who asks for it meanwhile harms nobody
    fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return True


@contextlib.contextmanager
def framed(content: Framed, file: BinaryIO, place: Path) -> Iterator[Digest | None]:
    """Move a file that is had ``alone`` to ``place`` with its frame; the digest of it all.

    None if that cannot be done here. Where the block ends by an error, and does not find the file
    at ``place`` any more, that stays; else it comes back as it was. Raises ``DataError`` if
    somebody changed it meanwhile, and ``OSError``.
    """
    handle = file.fileno()
    if not (_shifts(place.parent) and _moved(content.path, place)):
        yield None
        return
    shifted = False
    try:
        address = _hashed(content, handle)
        shifted = _shift(handle, _INSERT, len(content.head))
        if shifted:
            _write(handle, content.head, 0)
            _write(handle, content.tail, len(content.head) + content.size)
        else:
            place.rename(content.path)
        yield address if shifted else None
    except BaseException:
        if place.exists():
            _back(content, handle, place, shifted=shifted)
        raise


def _hashed(content: Framed, handle: int) -> Digest:
    """The digest of a file with its frame, which it has not got yet: its bytes are at hand now.

    What its writer left to the system goes to the disk meanwhile.
    """
    whole, room, start = hashlib.sha256(content.head), memoryview(bytearray(PIECE)), 0
    before = _stamp(handle)
    with contextlib.closing(Aside()) as disk:
        disk.begin(lambda: os.fdatasync(handle))
        while count := os.preadv(handle, [room], start):
            whole.update(room[:count])
            start += count
        disk.wait()
    if start != content.size or _stamp(handle) != before:
        raise changed(content.path)
    whole.update(content.tail)
    return Digest("sha256:" + whole.hexdigest())


def _moved(path: Path, place: Path) -> bool:
    """Whether a file could be moved: both are in one file system."""
    try:
        path.rename(place)
    except OSError:
        return False
    return True


def _shifts(folder: Path) -> bool:
    """Whether the file system of a folder can shift blocks; tried on a file without a name."""
    try:
        handle = os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o600)
    except OSError:
        return False
    try:
        _write(handle, bytes(2 * BLOCK), 0)
        return _shift(handle, _INSERT, BLOCK)
    finally:
        os.close(handle)


def _back(content: Framed, handle: int, place: Path, *, shifted: bool) -> None:
    """Take the frame away again; a file of which that fails is given up, as it is nobody's yet."""
    with contextlib.suppress(OSError):
        if shifted:
            if not _shift(handle, _COLLAPSE, len(content.head)):
                return
            os.ftruncate(handle, content.size)
        place.rename(content.path)


def _stamp(handle: int) -> tuple[int, int]:
    found = os.fstat(handle)
    return found.st_size, found.st_mtime_ns


def _shift(handle: int, how: int, count: int) -> bool:
    """Shift the blocks of a file from its beginning; whether the file system can."""
    return int(_fallocate(handle, how, 0, count)) == 0


def _write(handle: int, content: bytes, start: int) -> None:
    if os.pwrite(handle, content, start) != len(content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


__all__ = ["alone", "framed"]
