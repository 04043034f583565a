"""What a client has not taken of what it was sent."""

from __future__ import annotations


class Unsent:
    """Watches whether it becomes less."""

    __slots__ = ("_moved", "_size")

    def __init__(self) -> None:
        self._moved = 0.0
        self._size = 0

    def still(self, size: int, now: float) -> float:
        """Seconds for which it has not become less; ``size`` bytes are left now."""
        if not 0 < self._size <= size:
            self._moved = now
        self._size = size
        return now - self._moved


__all__ = ["Unsent"]
