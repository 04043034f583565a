"""Streams that the server ended early: the client may have sent more before it knew."""

from __future__ import annotations

SPAN = 512
"""Streams that are noted together, in a number of as many bits."""

MOST = 64
"""Such groups of a connection that are known; those longest unchanged are forgotten first."""


class Cut:
    """Those of one connection, by their numbers: some bytes for hundreds that follow each other.

    >>> cut = Cut()
    >>> cut.add(1025)
    >>> 1025 in cut, 1027 in cut, 1 in cut
    (True, False, False)
    """

    __slots__ = ("_groups",)

    def __init__(self) -> None:
        self._groups: dict[int, int] = {}

    def __contains__(self, number: int) -> bool:
        """Whether more of this stream may come."""
        group, place = divmod(number >> 1, SPAN)
        return bool(self._groups.get(group, 0) >> place & 1)

    def add(self, number: int) -> None:
        """Take note of one."""
        group, place = divmod(number >> 1, SPAN)
        noted = self._groups.pop(group, 0)
        if len(self._groups) >= MOST:
            del self._groups[next(iter(self._groups))]
        self._groups[group] = noted | 1 << place


__all__ = ["Cut"]
