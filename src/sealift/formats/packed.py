"""Compressed files: the stream inside, where its compression is known here."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO, cast

if TYPE_CHECKING:
    from typing_extensions import Buffer

CHUNK = 1 << 16
BROKEN = (OSError, EOFError, zlib.error, lzma.LZMAError)
"""What reading a damaged stream raises."""
LZ4 = b"\x04\x22\x4d\x18"
ZSTD = b"\x28\xb5\x2f\xfd"
_ZLIB = 0x78


def compression(head: bytes) -> str:
    """The name of the compression of a file that begins so; empty for none.

    >>> compression(b"\\x1f\\x8b\\x08"), compression(b"name,price")
    ('gzip', '')
    """
    for name, magic in _MAGIC.items():
        if head.startswith(magic):
            return name
    # two bytes that are a multiple of 31: RFC 1950, section 2.2
    is_zlib = len(head) > 1 and head[0] == _ZLIB and int.from_bytes(head[:2]) % 31 == 0
    return "zlib" if is_zlib else ""


def unpacked(name: str, stream: BinaryIO) -> BinaryIO | None:
    """The stream inside; None for a compression that cannot be undone here."""
    opener = _OPENERS.get(name)
    return None if opener is None else opener(stream)


class _Inflated(io.RawIOBase):
    """A zlib stream (RFC 1950), as joblib writes it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._inflate = zlib.decompressobj()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        room = memoryview(buffer)
        data = b""
        while not data and not self._inflate.eof:
            raw = self._inflate.unconsumed_tail or self._stream.read(CHUNK)
            data = self._inflate.decompress(raw, len(room))
            if not raw and not data:
                break
        room[: len(data)] = data
        return len(data)


def _unxz(stream: BinaryIO) -> lzma.LZMAFile:
    return lzma.LZMAFile(stream)


def _buffered(raw: object) -> BinaryIO:
    return cast("BinaryIO", io.BufferedReader(cast("io.RawIOBase", raw), CHUNK))


_MAGIC = {
    "gzip": b"\x1f\x8b",
    "bzip2": b"BZh",
    "xz": b"\xfd7zXZ\0",
    "lzma": b"\x5d\0\0",
    "lz4": LZ4,
    "zstandard": ZSTD,
}
_OPENERS: dict[str, Callable[[BinaryIO], BinaryIO]] = {
    "gzip": lambda stream: _buffered(gzip.GzipFile(fileobj=stream)),
    "bzip2": lambda stream: _buffered(bz2.BZ2File(stream)),
    "xz": lambda stream: _buffered(_unxz(stream)),
    "lzma": lambda stream: _buffered(_unxz(stream)),
    "zlib": lambda stream: _buffered(_Inflated(stream)),
}


__all__ = ["BROKEN", "compression", "unpacked"]
