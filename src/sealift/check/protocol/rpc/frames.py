"""The frames of HTTP/2 in a stream of bytes (RFC 9113, 4.1 and 6.2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

DATA, HEADERS = 0, 1
_HEAD = 9
_PADDED, _PRIORITY = 0x8, 0x20


class Frame(NamedTuple):
    """One frame: its kind, flags, the number of its stream, and all its bytes."""

    kind: int
    flags: int
    stream: int
    whole: bytes

    @property
    def block(self) -> bytes:
        """Of a frame of headers their compressed block, without padding and priority."""
        body = self.whole[_HEAD:]
        if self.flags & _PADDED and body:
            body = body[1 : len(body) - body[0]]
        return body[5:] if self.flags & _PRIORITY else body


class Cutter:
    """Cuts bytes as they come into whole frames; half a frame waits for its other half."""

    def __init__(self) -> None:
        self._rest = b""

    def cut(self, data: bytes) -> Iterator[Frame]:
        """The frames that are whole now.

        >>> [(one.kind, one.stream) for one in Cutter().cut(bytes([0, 0, 1, 0, 1, 0, 0, 0, 3, 7]))]
        [(0, 3)]
        """
        rest = self._rest + data
        while len(rest) >= _HEAD:
            size = _HEAD + int.from_bytes(rest[:3], "big")
            if len(rest) < size:
                break
            stream = int.from_bytes(rest[5:_HEAD], "big") & 0x7FFFFFFF
            whole, rest = rest[:size], rest[size:]
            yield Frame(whole[3], whole[4], stream, whole)
        self._rest = rest


__all__ = ["DATA", "HEADERS", "Cutter", "Frame"]
