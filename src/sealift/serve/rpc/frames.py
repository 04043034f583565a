"""Frames of HTTP/2: read out of bytes as they come, and written.

Layout, kinds, flags and codes: RFC 9113, sections 4, 6 and 7.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""What a client says first."""

HEAD = 9
"""Bytes before what a frame holds."""

LARGEST = 1 << 14
"""Bytes that a frame may hold, here; it is the least that RFC 9113 allows."""

UNCUT = 1 << 12
"""Bytes of a frame of data up to which it is taken as a whole."""

WINDOW = (1 << 16) - 1
"""Bytes that may be under way until settings say otherwise."""

PARTING = 8
"""Bytes that GOAWAY holds at least: the last stream, and a reason."""

WIDEST = (1 << 31) - 1
"""The largest window, and the largest number of a stream."""

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS = 0, 1, 2, 3, 4
PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 5, 6, 7, 8, 9

ACK = END_STREAM = 1
END_HEADERS, PADDED, PRIORITIZED = 4, 8, 32

PIECE = 1 << 8
"""A flag that is never sent: this is a piece of a frame of data."""

NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR = 0, 1, 2, 3
STREAM_CLOSED, FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL = 5, 6, 7, 8
COMPRESSION_ERROR, ENHANCE_YOUR_CALM = 9, 11

HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS = 1, 2, 3
INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE = 4, 5, 6

Frame = tuple[int, int, int, bytes]
"""Its kind, its flags, the number of its stream, and what it holds."""

_HEAD = struct.Struct(">HBBBI")
_PAIR = struct.Struct(">HI")
_WORD = struct.Struct(">I")


class FaultError(Exception):
    """The connection cannot go on, for a reason that has a number."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code
        self.why = why


class Frames:
    """The frames in what a client sends; ``len`` of it is the bytes that are held.

    Large frames of data need not be whole: they are taken in pieces, as they come.
    """

    def __init__(self) -> None:
        self._data = b""
        self._at = 0
        self._greeted = False
        self._left = self._flags = self._number = 0

    def __len__(self) -> int:
        """Bytes, with those before the next frame that were taken already."""
        return len(self._data)

    def add(self, data: bytes) -> None:
        """Hold what came."""
        if self._at < len(self._data):
            data = self._data[self._at :] + data
        self._data, self._at = data, 0

    def clear(self) -> None:
        """Forget what is held."""
        self._data, self._at = b"", 0

    def taken(self) -> Iterator[Frame]:
        """The frames that are there now; who stops goes on with the next by asking again.

        Raises ``FaultError`` for another beginning, and as soon as a frame says that it is longer
        than ``LARGEST``.
        """
        data, size = self._data, len(self._data)
        if not self._greeted and not self._greet(data):
            return
        if self._left and self._at < size:
            yield self._piece()
        while size - self._at >= HEAD:
            first = self._at + HEAD
            high, low, kind, flags, number = _HEAD.unpack_from(data, self._at)
            length = high << 8 | low
            if length > LARGEST:
                raise FaultError(FRAME_SIZE_ERROR, f"a frame of {length} bytes is too large")
            if first + length > size:
                if kind == DATA and length > UNCUT and not flags & PADDED and first < size:
                    self._at, self._left = first, length
                    self._flags, self._number = flags, number & WIDEST
                    yield self._piece()
                break
            self._at = first + length
            yield kind, flags, number & WIDEST, data[first : self._at]
        self._data, self._at = data[self._at :], 0

    def _piece(self) -> Frame:
        """As much of a frame of data as there is; it ends its stream with the last piece."""
        piece = self._data[self._at : self._at + self._left]
        self._at += len(piece)
        self._left -= len(piece)
        flags = self._flags & ~END_STREAM if self._left else self._flags
        return DATA, flags | PIECE, self._number, piece

    def _greet(self, data: bytes) -> bool:
        """Whether frames begin; not before all of the preface has come."""
        self._greeted = data.startswith(PREFACE)
        if self._greeted:
            self._at = len(PREFACE)
        elif not PREFACE.startswith(data):
            raise FaultError(PROTOCOL_ERROR, "this is no HTTP/2")
        return self._greeted


def frame(kind: int, flags: int, number: int, content: bytes = b"") -> bytes:
    """A frame as it is sent.

    >>> frame(PING, ACK, 0, b"12345678").hex()
    '0000080601000000003132333435363738'
    """
    return head(kind, flags, number, len(content)) + content


def head(kind: int, flags: int, number: int, length: int) -> bytes:
    """What goes before so many bytes of a frame."""
    return _HEAD.pack(length >> 8, length & 255, kind, flags, number)


def settings(values: Mapping[int, int]) -> bytes:
    """A frame of settings."""
    return frame(SETTINGS, 0, 0, b"".join(_PAIR.pack(*one) for one in values.items()))


def pairs(content: bytes) -> Iterator[tuple[int, int]]:
    """The settings in a frame. Raises ``FaultError`` for an odd length."""
    if len(content) % _PAIR.size:
        raise FaultError(FRAME_SIZE_ERROR, "settings have six bytes each")
    return _PAIR.iter_unpack(content)


def reset(number: int, code: int) -> bytes:
    """The end of a stream, without an answer."""
    return frame(RST_STREAM, 0, number, _WORD.pack(code))


def window(number: int, more: int) -> bytes:
    """Room for so many bytes more, in a stream or (0) in all of them together."""
    return frame(WINDOW_UPDATE, 0, number, _WORD.pack(more))


def goaway(last: int, code: int, why: str = "") -> bytes:
    """The end of a connection: no stream after ``last`` is looked at."""
    return frame(GOAWAY, 0, 0, _WORD.pack(last) + _WORD.pack(code) + why.encode())


def word(content: bytes) -> int:
    """The number that is all a frame holds. Raises ``FaultError`` for another length."""
    if len(content) != _WORD.size:
        raise FaultError(FRAME_SIZE_ERROR, "four bytes belong here")
    return int.from_bytes(content, "big")


def unpadded(flags: int, content: bytes) -> bytes:
    """What a frame holds, without what only fills it up. Raises ``FaultError``."""
    if not flags & PADDED:
        return content
    if not content or content[0] >= len(content):
        raise FaultError(PROTOCOL_ERROR, "the padding is longer than its frame")
    return content[1 : len(content) - content[0]]


__all__ = [
    "ACK",
    "CANCEL",
    "COMPRESSION_ERROR",
    "CONTINUATION",
    "DATA",
    "ENABLE_PUSH",
    "END_HEADERS",
    "END_STREAM",
    "ENHANCE_YOUR_CALM",
    "FLOW_CONTROL_ERROR",
    "FRAME_SIZE_ERROR",
    "GOAWAY",
    "HEADERS",
    "HEADER_TABLE_SIZE",
    "INITIAL_WINDOW_SIZE",
    "INTERNAL_ERROR",
    "LARGEST",
    "MAX_CONCURRENT_STREAMS",
    "MAX_FRAME_SIZE",
    "MAX_HEADER_LIST_SIZE",
    "NO_ERROR",
    "PADDED",
    "PARTING",
    "PIECE",
    "PING",
    "PREFACE",
    "PRIORITIZED",
    "PRIORITY",
    "PROTOCOL_ERROR",
    "PUSH_PROMISE",
    "REFUSED_STREAM",
    "RST_STREAM",
    "SETTINGS",
    "STREAM_CLOSED",
    "UNCUT",
    "WIDEST",
    "WINDOW",
    "WINDOW_UPDATE",
    "FaultError",
    "Frame",
    "Frames",
    "frame",
    "goaway",
    "head",
    "pairs",
    "reset",
    "settings",
    "unpadded",
    "window",
    "word",
]
