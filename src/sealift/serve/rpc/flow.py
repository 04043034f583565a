"""Flow control of what comes. RFC 9113, section 5.2."""

from __future__ import annotations

import msgspec


class Inflow(msgspec.Struct, gc=False):
    """The room of a sender, in bytes; ``used`` is what of it the server has taken, but not told.

    The collector need not know of it: there is one for each call, and it holds numbers alone.
    """

    size: int
    used: int = 0

    def again(self) -> int:
        """The room to tell of now; 0 while it is not worth a frame."""
        more = self.used
        if 2 * more <= self.size:
            return 0
        self.used = 0
        return more


__all__ = ["Inflow"]
