"""Whose turn it is: a client with much to do does a little of it at a time, as others do.

This is round robin scheduling. What is done in one turn of the event loop is bounded for all of
these clients together, however many they are and in whatever order they come, so that whoever asks
for little is soon answered.
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
together, as long as that keeps others waiting for milliseconds. No turn has more steps."""

FIRST = 8
"""Steps for what has come of a client that had nothing to do before."""

SHARE = 32
"""Steps of a client until the next has its turn."""

TOGETHER = 128
"""Steps after which nobody else does anything in a turn of the event loop."""

KNOWN, CAME = TOGETHER // 2, 3 * TOGETHER // 4
"""How far into these clients go who have greeted before, and then those who have just connected:
the rest is for who goes on."""

CLEARED = 64
"""Calls of clients that have gone that are given up in a turn."""


class Quantum:
    """How many steps a client may still do in its turn: ``left`` is 0 outside of it."""

    __slots__ = ("_given", "left")

    def __init__(self) -> None:
        self.left = self._given = 0

    def give(self, steps: int) -> None:
        """Let it do so many; what is left of others is void."""
        self._given += steps - self.left
        self.left = steps

    def end(self) -> int:
        """End its turn; how many steps it has done."""
        done, self.left, self._given = self._given - self.left, 0, 0
        return done


class Client(Protocol):
    """Who has something to do."""

    def work(self, most: int) -> int:
        """Do so many steps at most; how many were done.

        Who has more to do enters again.
        """
        ...


class Leaving(Protocol):
    """What is left of a client that has gone; false when that is nothing."""

    def give_up(self, most: int) -> int:
        """Give up so many of its calls at most; how many those were."""
        ...

    def __bool__(self) -> bool: ...


class Rota:
    """Clients that wait for their turn, each once.

    Those of which something new has come wait apart, so that who asks for little does not wait
    for all that others have asked for; and of them, those who have just connected wait apart, so
    that it gains nothing to connect again and again.
    """

    def __init__(self) -> None:
        self._known: deque[Client] = deque()
        self._new: deque[Client] = deque()
        self._old: deque[Client] = deque()
        self._leaving: deque[Leaving] = deque()
        self._done = self._cleared = 0
        self._due = False

    @property
    def clearing(self) -> bool:
        """Whether there are calls of clients that have gone."""
        return bool(self._leaving)

    def prompt(self, client: Client) -> bool:
        """Let a client do what has come without waiting for its turn, if that may be."""
        if self._done >= TOGETHER:
            return False
        others = self._known or self._new or self._old
        self._done += client.work(min(AT_ONCE if others else ALONE, ALONE - self._done))
        if self._done >= TOGETHER:
            # the next turn of the loop has its own
            self._soon()
        return True

    def arrive(self, client: Client, *, known: bool) -> None:
        """Let a client of which something has come have its turn."""
        (self._known if known else self._new).append(client)
        self._soon()

    def enter(self, client: Client) -> None:
        """Let a client go on in its turn."""
        self._old.append(client)
        self._soon()

    def leave(self, leaving: Leaving) -> None:
        """Give up what a client had asked for that has gone, some of it in each turn."""
        self._leaving.append(leaving)
        self._clear()

    def _soon(self) -> None:
        if not self._due:
            self._due = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._due = False
        self._done = self._cleared = 0
        try:
            if len(self._known) + len(self._new) + len(self._old) == 1:
                self._serve(self._known or self._new or self._old, ALONE, ALONE)
            else:
                self._serve(self._known, KNOWN, FIRST)
                self._serve(self._new, CAME, FIRST)
                self._serve(self._old, TOGETHER, SHARE)
            self._clear()
        finally:
            if self._done >= TOGETHER or self._known or self._new or self._old:
                self._soon()

    def _serve(self, clients: deque[Client], end: int, share: int) -> None:
        """Let clients work, each for its share, until so many steps are done in this turn."""
        while clients and self._done < end:
            self._done += max(1, clients.popleft().work(min(end - self._done, share)))

    def _clear(self) -> None:
        while self._leaving and self._cleared < CLEARED:
            self._cleared += self._leaving[0].give_up(CLEARED - self._cleared)
            if not self._leaving[0]:
                self._leaving.popleft()
        if self._leaving:
            self._soon()


__all__ = ["Client", "Leaving", "Quantum", "Rota"]
