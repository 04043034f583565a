"""Flow control of what comes. RFC 9113, section 5.2."""

from __future__ import annotations


class Inflow:
    """The room of a sender; ``used`` is what of it the server has taken, but not told so."""

    __slots__ = ("_half", "used")

    def __init__(self, size: int) -> None:
        self._half = size // 2
        self.used = 0

    def again(self) -> int:
        """The room to tell of now; 0 while it is not worth a frame."""
        more = self.used
        if more <= self._half:
            return 0
        self.used = 0
        return more


__all__ = ["Inflow"]
