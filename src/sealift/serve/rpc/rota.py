"""Whose turn it is: a client with much to do does a little of it at a time, as others do.

This is round robin scheduling. What is done in one turn of the event loop is bounded for all of
these clients together, however many they are, so that whoever asks for little is soon answered.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol

AT_ONCE = 32
"""Steps (frames, and requests of streams) of a client that are done as soon as they have come: as
many as there are frames of full size in what is read at once, and more."""

ALONE = 256
"""The same for a client beside whom nobody waits: calls that it sends together are answered
together, as long as that keeps others waiting for milliseconds."""

FIRST = 8
"""Steps for what has come of a client that had nothing to do before."""

SHARE = 32
"""Steps of a client until the next has its turn."""

TOGETHER = 64
"""Steps of all clients that wait, in one turn of the event loop; and of all that are done at once
until the next turn."""


class Quantum:
    """How many steps a client may still do in its turn: ``left`` is 0 outside of it."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = 0


class Client(Protocol):
    """Who has something to do."""

    def work(self, most: int) -> int:
        """Do so many steps at most; how many were done.

        Who has more to do enters again.
        """
        ...


class Rota:
    """Clients that wait for their turn, each once.

    Those of which something new has come wait apart, so that who asks for little does not wait
    for all that others have asked for. ``spare`` is how many steps may be done with no wait.
    """

    def __init__(self) -> None:
        self.spare = TOGETHER
        self._new: deque[Client] = deque()
        self._old: deque[Client] = deque()
        self._due = False

    def prompt(self, client: Client) -> bool:
        """Let a client do what has come without waiting for its turn, if that may be."""
        if self.spare <= 0:
            return False
        self.spare -= client.work(AT_ONCE if self._new or self._old else ALONE)
        if self.spare <= 0:
            # the next turn of the loop has its own
            self._soon()
        return True

    def arrive(self, client: Client) -> None:
        """Let a client of which something has come have its turn."""
        self._new.append(client)
        self._soon()

    def enter(self, client: Client) -> None:
        """Let a client go on in its turn."""
        self._old.append(client)
        self._soon()

    def _soon(self) -> None:
        if not self._due:
            self._due = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self.spare = TOGETHER
        try:
            if len(self._new) + len(self._old) == 1:
                _served(self._new or self._old, ALONE, ALONE)
                return
            _served(self._new, TOGETHER // 2, FIRST)
            _served(self._old, TOGETHER, SHARE)
        finally:
            self._due = False
            if self._new or self._old:
                self._soon()


def _served(clients: deque[Client], left: int, share: int) -> None:
    """Let clients work, each for its share, until so many steps are done."""
    while clients and left > 0:
        left -= max(1, clients.popleft().work(min(left, share)))


__all__ = ["Client", "Quantum", "Rota"]
