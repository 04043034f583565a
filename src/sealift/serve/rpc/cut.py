"""Streams that the server ended early: the client may have sent more before it knew."""

from __future__ import annotations

MOST = 4096
"""Streams of a connection that are known; the oldest are forgotten first."""


class Cut:
    """Those of one connection, by their numbers."""

    def __init__(self) -> None:
        self._numbers: dict[int, None] = {}

    def __contains__(self, number: int) -> bool:
        """Whether more of this stream may come."""
        return number in self._numbers

    def add(self, number: int) -> None:
        """Take note of one."""
        if len(self._numbers) >= MOST:
            del self._numbers[next(iter(self._numbers))]
        self._numbers[number] = None


__all__ = ["Cut"]
