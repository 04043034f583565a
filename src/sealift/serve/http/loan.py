"""A client that a connection lends to who serves it faster."""

from __future__ import annotations

from sealift.serve.http.answers import Client, Keeper

WARY, WARIEST = 2, 256
"""Plain requests in a row after which a client is lent: at first, so that clients who send one only
are not, and at most. Each time that one comes back with something else, they are doubled."""


class Loan:
    """Whether a client is lent, and whether it is to be; true while it is."""

    __slots__ = ("_keeper", "_plain", "_wary")

    def __init__(self) -> None:
        self._keeper: Keeper | None = None
        self._plain, self._wary = 0, WARY

    def __bool__(self) -> bool:
        """Whether a keeper has the client."""
        return self._keeper is not None

    @property
    def due(self) -> bool:
        """Whether the client has sent enough plain requests."""
        return self._plain >= self._wary

    def plain(self) -> None:
        """Count a plain request."""
        self._plain += 1

    def other(self) -> None:
        """Count something else that came while the client was lent."""
        self._plain, self._wary = 0, min(2 * self._wary, WARIEST)

    def begin(self, keeper: Keeper) -> None:
        """Lend the client."""
        self._keeper = keeper

    def end(self, client: Client) -> bytes:
        """Have the client back, if it was lent; what it has begun to ask."""
        keeper, self._keeper = self._keeper, None
        return b"" if keeper is None else keeper.leave(client)

    def stuck(self, client: Client) -> bool:
        """Whether the client is lent, and has begun to say something that it has not ended."""
        return self._keeper is not None and self._keeper.stuck(client)

    def since(self, client: Client, own: float) -> float:
        """When the client last said something: ``own`` where it is not lent."""
        return own if self._keeper is None else self._keeper.since(client)


__all__ = ["Loan"]
