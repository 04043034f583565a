"""A blob as a stream: hashed while it passes, judged before its last piece has."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

from sealift.adapters.stores.aside import PIECE, Hashing
from sealift.errors import IntegrityError
from sealift.types import Digest

if TYPE_CHECKING:
    from typing_extensions import Buffer

LARGE = 64 << 20
"""Bytes from which on a blob is not to take the memory in which the system keeps files at hand: it
is read once, to be sent or unpacked."""
_UNCACHED = 0x80
"""RWF_DONTCACHE (linux/fs.h, since 6.14): what a read brought from the disk is not kept; what was
at hand before stays so."""
_AHEAD = 16 << 20
"""How far ahead of its reader a blob is fetched from the disk where it is kept at hand."""


class Verified(io.RawIOBase):
    """The bytes of a file that has to have a digest.

    Raises ``IntegrityError`` instead of the last of them where it has another one.
    """

    def __init__(self, path: Path, address: Digest) -> None:
        self._file = path.open("rb", buffering=0)
        self._size = os.fstat(self._file.fileno()).st_size
        self._how = _UNCACHED if self._size >= LARGE else 0
        self._start = 0
        self._whole = Hashing()
        self._address = address
        self._piece = memoryview(b"")

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Buffer) -> int:
        """Fill a buffer with the next bytes; how many it got, 0 at the end."""
        if not self._piece:
            self._piece = self._next()
        room = memoryview(buffer)
        count = min(len(room), len(self._piece))
        room[:count] = self._piece[:count]
        self._piece = self._piece[count:]
        return count

    def _next(self) -> memoryview:
        room = self._whole.room(min(PIECE, self._size + 1))
        piece = room[: self._read(room)]
        self._whole.add(piece)
        self._start += len(piece)
        if (not piece or self._start >= self._size) and self._whole.digest != self._address:
            raise IntegrityError(
                "Stored content does not match its digest; the file was damaged or changed.",
                where=str(self._file.name),
                remedy="Delete that file and build what needs it again.",
            )
        return piece

    def _read(self, room: memoryview) -> int:
        handle = self._file.fileno()
        if self._how:
            try:
                return os.preadv(handle, [room], self._start, self._how)
            except OSError:  # this system, or this file system, cannot do that
                self._how = 0
        if self._size - self._start > PIECE:
            os.posix_fadvise(handle, self._start + _AHEAD, PIECE, os.POSIX_FADV_WILLNEED)
        return os.preadv(handle, [room], self._start)

    def close(self) -> None:
        """Close the file."""
        self._whole.close()
        self._file.close()
        super().close()


__all__ = ["LARGE", "Verified"]
