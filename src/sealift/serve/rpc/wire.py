"""The wire format of protocol buffers: members of messages, read and written.

Format: protobuf.dev, "Encoding". Members that are not known are passed over, as the format wants.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sealift.serve.refusal import RefusalError
from sealift.serve.tensors import Array

Member = tuple[int, int, int]
"""A tag; then a number and nothing, or the places where its bytes begin and end."""

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

MOST = 1 << 14
"""Members of all messages within one request, beside the values of tensors."""

GROUP = 1 << 12
"""Members that are worked on at a time where there may be millions."""

_WORD = (1 << 64) - 1
LONGEST = 10
"""Bytes of a number of 64 bits, seven in each."""

PIECE = 1 << 16
"""Bytes of packed numbers that are read at once: what that takes is many times as long."""


class Reader:
    """Members of a message and of the messages inside it, at most ``most`` of them together.

    A member takes a hundred times the memory of its two bytes, hence the bound.
    """

    def __init__(self, data: bytes, most: int = MOST) -> None:
        self.data = data
        self._left = most

    def members(self, place: int, end: int) -> list[Member]:
        """The members between two places. Raises ``RefusalError`` for what is no message."""
        found, place = self._some(place, end, self._left)
        if place < end:
            raise malformed("it has too many members")
        return found

    def groups(self, place: int, end: int) -> Iterator[list[Member]]:
        """The same, up to ``GROUP`` at a time: any number of them takes no more memory."""
        while place < end:
            found, place = self._some(place, end, min(GROUP, self._left))
            if not found:
                raise malformed("it has too many members")
            yield found

    def _some(self, place: int, end: int, most: int) -> tuple[list[Member], int]:
        """Members up to a number, and where they end."""
        data, found, left = self.data, [], most
        try:
            while place < end and left:
                tag, place = data[place], place + 1
                if tag > 127:
                    tag, place = _varint(data, place - 1)
                kind, first = tag & 7, place
                if kind == BYTES:
                    size, first = data[place], place + 1
                    if size > 127:
                        size, first = _varint(data, place)
                    place = first + size
                    found.append((tag, first, place))
                elif kind == VARINT:
                    value, place = _varint(data, place)
                    found.append((tag, value, place))
                else:
                    place += _width(kind)
                    found.append((tag, first, place))
                left -= 1
        except IndexError:
            place = end + 1
        if place > end:
            raise malformed("it ends early")
        self._left -= most - left
        return found, place

    def text(self, begin: int, end: int) -> str:
        """A member that is a text. Raises ``RefusalError`` for bytes that are not UTF-8."""
        try:
            return self.data[begin:end].decode()
        except UnicodeDecodeError as error:
            raise malformed("a text is not valid UTF-8") from error


def signed(number: int) -> int:
    """A number of 64 bits with its sign.

    >>> signed((1 << 64) - 2)
    -2
    """
    return number - (1 << 64) if number >> 63 else number


def varint(number: int) -> bytes:
    """A number as it is written.

    >>> varint(300), varint(-1) == b"\\xff" * 9 + b"\\x01"
    (b'\\xac\\x02', True)
    """
    number &= _WORD
    if number < 128:
        return bytes((number,))
    written = bytearray()
    while number > 127:
        written.append(number & 127 | 128)
        number >>= 7
    written.append(number)
    return bytes(written)


def block(number: int, content: bytes) -> bytes:
    """A member of bytes: a text, a message, or packed numbers.

    >>> block(1, b"ab")
    b'\\n\\x02ab'
    """
    return varint(number << 3 | BYTES) + varint(len(content)) + content


def number(place: int, value: int) -> bytes:
    """A member that is a whole number or a truth."""
    return varint(place << 3 | VARINT) + varint(value)


def unpacked(content: memoryview) -> Array:
    """Packed numbers, of 64 bits each, read piece by piece. Raises ``RefusalError`` for none.

    >>> unpacked(memoryview(b"\\x05\\xac\\x02")).tolist()
    [5, 300]
    """
    octets: Array = np.frombuffer(content, np.uint8)
    if not octets.size:
        return octets.astype(np.uint64)
    if octets[-1] > 127:
        raise malformed("packed numbers end early")
    pieces = []
    place = 0
    while place < octets.size:
        piece = octets[place : place + PIECE]
        # the last number in it may be cut off
        ends = np.flatnonzero(piece[-LONGEST:] < 128)
        if not ends.size:
            raise malformed("a number is too long")
        whole = piece.size - min(LONGEST, piece.size) + int(ends[-1]) + 1
        pieces.append(_unpacked(piece[:whole]))
        place += whole
    return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)


def _unpacked(octets: Array) -> Array:
    """Numbers that are whole."""
    last = octets < 128
    if last.all():
        return octets.astype(np.uint64)
    begins = np.concatenate(([0], np.flatnonzero(last)[:-1] + 1))
    places = np.arange(octets.size) - np.repeat(begins, np.diff(np.append(begins, octets.size)))
    if places.max() >= LONGEST:
        raise malformed("a number is too long")
    parts = (octets & 127).astype(np.uint64) << (7 * places).astype(np.uint64)
    return np.bitwise_or.reduceat(parts, begins)


def packed(values: Array) -> bytes:
    """Whole numbers as packed numbers.

    >>> packed(np.array([5, 300]))
    b'\\x05\\xac\\x02'
    """
    if values.size and values.min() >= 0 and values.max() < 128:
        return values.astype(np.uint8).tobytes()
    words = values.astype(np.int64 if values.dtype.kind == "i" else np.uint64).view(np.uint64)
    shifts = np.arange(0, 7 * LONGEST, 7, dtype=np.uint64)
    rest = words.reshape(-1, 1) >> shifts
    goes_on = rest[:, 1:] > 0
    octets = (rest & np.uint64(127)).astype(np.uint8)
    octets[:, :-1] |= goes_on.astype(np.uint8) << 7
    there = np.ones(rest.shape, np.bool_)
    there[:, 1:] = goes_on
    return octets[there].tobytes()


def malformed(why: str) -> RefusalError:
    """400: the bytes are not the message that they should be."""
    return RefusalError(f"The message cannot be read: {why}.", code="malformed_message")


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    for octet in data[place : place + LONGEST]:
        value |= (octet & 127) << shift
        place += 1
        if octet < 128:
            return value & _WORD, place
        shift += 7
    if shift < 7 * LONGEST:
        raise malformed("it ends early")
    raise malformed("a number is too long")


def _width(kind: int) -> int:
    if kind == FIXED32:
        return 4
    if kind == FIXED64:
        return 8
    raise malformed(f"{kind} is no kind of member")


__all__ = [
    "BYTES",
    "FIXED32",
    "FIXED64",
    "LONGEST",
    "MOST",
    "VARINT",
    "Member",
    "Reader",
    "block",
    "malformed",
    "number",
    "packed",
    "signed",
    "unpacked",
    "varint",
]
