"""The line: clients that have sent more requests than are answered as soon as they come.

They go on in turns (round robin), bounded for all of them together, so that whoever sends one
request is answered with what came in the same turn of the event loop, however many send more.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Protocol

AT_ONCE = 32
"""Requests of a client that are answered before others have their turn."""

TOGETHER = 64
"""Requests in one turn after which of each client that sends something only one is answered, and
none of those in the line."""


class Client(Protocol):
    """Who has sent more."""

    def work(self) -> None:
        """Answer as many requests as it has a share; who has more enters again."""
        ...


class Line:
    """Clients that wait for their turn."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[Client, None] = OrderedDict()
        self._left = TOGETHER
        self._due = False

    def share(self, client: Client) -> int:
        """How many requests of a client may be answered now: none if it waits for its turn."""
        if self._waiting and client in self._waiting:
            return 0
        return max(1, min(AT_ONCE, self._left))

    def spend(self) -> None:
        """Take note of one that is."""
        self._left -= 1
        if self._left <= 0:
            # the next turn of the loop has its own
            self._soon()

    def enter(self, client: Client) -> None:
        """Let a client go on in its turn."""
        self._waiting[client] = None
        self._soon()

    def _soon(self) -> None:
        if not self._due:
            self._due = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._due = False
        self._left = TOGETHER
        try:
            while self._waiting and self._left > 0:
                client, _ = self._waiting.popitem(last=False)
                client.work()
        finally:
            if self._waiting:
                self._soon()


__all__ = ["AT_ONCE", "TOGETHER", "Line"]
