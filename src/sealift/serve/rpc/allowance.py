"""How much a client may do that asks for nothing: it comes with time, and with each answer."""

from __future__ import annotations

from sealift import clock
from sealift.serve.rpc.frames import ENHANCE_YOUR_CALM, FaultError

MOST = 4096.0
"""What may be spent at once: calls at once and as many deadlines that pass together, and more."""

PER_SECOND = 100.0

PER_ANSWER = 4.0

PER_BYTE = 1 / 4096
"""For each byte sent: clients tell of the room they have again and again."""

SMALL = 256
"""Bytes of data; a frame of less that ends nothing is one of those that ask for nothing."""

SETTINGS = 8.0
"""What settings cost: they are about every stream."""


class Allowance:
    """What is left to a connection of pings, resets, settings, windows and scraps of data."""

    def __init__(self) -> None:
        self._left = MOST
        self._at = clock.monotonic()

    def spend(self, cost: float = 1.0) -> None:
        """Take note of such a frame. Raises ``FaultError`` when there have been too many."""
        self._left -= cost
        if self._left >= 0:
            return
        now = clock.monotonic()
        self._left = min(MOST, self._left + (now - self._at) * PER_SECOND)
        self._at = now
        if self._left < 0:
            raise FaultError(ENHANCE_YOUR_CALM, "too many frames that ask for nothing")

    def sent(self, size: int) -> None:
        """So many bytes of answers went out."""
        self._left = min(MOST, self._left + size * PER_BYTE)

    def answered(self) -> None:
        """An answer went out whole."""
        self._left = min(MOST, self._left + PER_ANSWER)


__all__ = ["SETTINGS", "SMALL", "Allowance"]
