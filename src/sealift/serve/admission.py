"""What the server takes on at once; what is more is turned away, not queued without bound."""

from __future__ import annotations

import math
from typing import Protocol

from sealift.serve.refusal import RefusalError


class Holder(Protocol):
    """Who holds room: a call."""

    reserved: int


class Room:
    """Bytes that the bodies of all requests under way may take together."""

    def __init__(self, size: int) -> None:
        self._free = size
        self.taken = 0

    def take(self, holder: Holder, size: int) -> None:
        """Reserve so many bytes more. Raises ``RefusalError`` (429) when they are not free."""
        if size > self._free:
            raise overloaded("Other requests take all memory for bodies.", 1.0)
        self._free -= size
        self.taken += size
        holder.reserved += size

    def leave(self, holder: Holder, size: int) -> None:
        """Free so many bytes of what a call holds."""
        self._free += size
        self.taken -= size
        holder.reserved -= size

    def give_back(self, holder: Holder) -> None:
        """Free all that a call holds."""
        self.leave(holder, holder.reserved)


def overloaded(why: str, seconds: float) -> RefusalError:
    """429, and when to come again."""
    return RefusalError(
        f"{why} Try again later.",
        code="overloaded",
        status=429,
        headers=(("retry-after", str(max(1, math.ceil(seconds)))),),
    )


__all__ = ["Room", "overloaded"]
