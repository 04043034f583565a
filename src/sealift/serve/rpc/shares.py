"""How many calls may be open at once, divided among connections so that none takes all of them.

An open call costs memory, and time whenever Python's collector goes through what lives. The more
are open, the fewer may one connection hold: no more than are left. This is a dynamic threshold with
factor 1 (A. K. Choudhury and E. L. Hahne, "Dynamic Queue Length Thresholds for Shared-Memory Packet
Switches", IEEE/ACM Transactions on Networking 6 (2), 1998): of n connections that open all they can
at the same time, each comes to hold SHARED / (n + 1). Those that came earlier may hold more and
leave nothing, hence a few calls are each connection's own, whatever others do.
"""

from __future__ import annotations

STREAMS = 1024
"""Calls at once on a connection."""

SHARED = 16_384
"""Calls at once on all connections of a worker, beside those that are a connection's own."""

OWN = 4
"""Calls that every connection may open: a client that asks for little is never refused."""


class Shares:
    """Those of a worker; ``open`` counts the calls that are open, and whoever opens one adds it."""

    __slots__ = ("open",)

    def __init__(self) -> None:
        self.open = 0

    def admits(self, held: int) -> bool:
        """Whether a connection that holds so many calls may open another.

        >>> shares = Shares()
        >>> shares.open = SHARED - 100
        >>> shares.admits(99), shares.admits(100)
        (True, False)
        >>> shares.open = SHARED
        >>> shares.admits(3), shares.admits(4)
        (True, False)
        """
        return held < OWN or held < min(STREAMS, SHARED - self.open)


__all__ = ["OWN", "SHARED", "STREAMS", "Shares"]
