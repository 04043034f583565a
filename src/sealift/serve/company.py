"""Requests that the model answered in one call, as far as they are counted and recorded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec

from sealift.serve.group import Timed
from sealift.serve.trace import Trace


class Member(msgspec.Struct, frozen=True, gc=False):
    """One of the requests; its rows are ``rows`` from ``first`` on in the memory of inputs.

    ``generation`` is the number of the route that it came by, 0 for none; ``trace`` what it is
    part of.
    """

    id: str
    generation: int
    first: int
    rows: int
    trace: Trace | None


class Company(Protocol):
    """Requests of so many ``rows``, which lie one after the other in the memory of inputs.

    ``ran`` is the call that answered them, whose first row is that memory's row ``begin``. ``came``
    and ``read`` are when they had come and when they had been read, by the monotonic clock;
    ``reading`` is the seconds that it took to read them all.
    """

    ran: Timed
    requests: int
    rows: int
    begin: int
    came: float
    read: float

    @property
    def reading(self) -> float:
        """Seconds."""
        ...

    def members(self, rows: Sequence[int]) -> Iterable[tuple[Member, Sequence[int]]]:
        """The requests that some rows are of, and the numbers of these rows in them."""
        ...


__all__ = ["Company", "Member"]
