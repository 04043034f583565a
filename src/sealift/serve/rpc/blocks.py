"""The fields of calls, put together from the frames in which they come."""

from __future__ import annotations

from sealift.serve.rpc import frames
from sealift.serve.rpc.frames import (
    END_HEADERS,
    ENHANCE_YOUR_CALM,
    PRIORITIZED,
    PROTOCOL_ERROR,
    FaultError,
)

LARGEST = 1 << 15
"""Bytes that the fields of a call may have before they are decoded, in however many frames."""

FRAGMENTS = 16
"""Frames that they may come in."""

_PRIORITY = 5

Block = tuple[int, int, bytes]
"""The flags that the fields of a call came with, the number of its stream, and the fields."""


class Blocks:
    """Those of one connection; ``between`` while one has come in part, so that nothing else may."""

    def __init__(self) -> None:
        self.between = False
        self._flags = self._number = self._count = 0
        self._held = bytearray()

    def __len__(self) -> int:
        """Bytes that are held."""
        return len(self._held)

    def clear(self) -> None:
        """Forget what is held."""
        self._held, self.between = bytearray(), False

    def first(self, flags: int, number: int, content: bytes) -> Block | None:
        """HEADERS: the fields, if that is all of them. Raises ``FaultError``."""
        if not number % 2:
            raise FaultError(PROTOCOL_ERROR, "clients have odd numbers for streams")
        content = frames.unpadded(flags, content)
        if flags & PRIORITIZED:
            if len(content) < _PRIORITY:
                raise FaultError(frames.FRAME_SIZE_ERROR, "a priority has five bytes")
            content = content[_PRIORITY:]
        if flags & END_HEADERS:
            return flags, number, content
        self.between, self._held = True, bytearray(content)
        self._flags, self._number, self._count = flags, number, 1
        return None

    def more(self, flags: int, number: int, content: bytes) -> Block | None:
        """CONTINUATION: the fields, if that was the last of them. Raises ``FaultError``."""
        if not self.between or self._number != number:
            raise FaultError(PROTOCOL_ERROR, "nothing is continued here")
        self._held += content
        self._count += 1
        if len(self._held) > LARGEST or self._count > FRAGMENTS:
            raise FaultError(ENHANCE_YOUR_CALM, "the fields of a call are too large")
        if not flags & END_HEADERS:
            return None
        held = bytes(self._held)
        self.clear()
        return self._flags, number, held


__all__ = ["Blocks"]
