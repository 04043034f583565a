"""Which step comes next, at a cost that does not grow with the number of steps."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence

from sealift.train.cards import wanted
from sealift.train.plan import Planned

Room = tuple[float, float]
"""Processor cores and graphics cards."""


class Agenda:
    """The steps that have not begun; in the order of the plan among those that can.

    A step can begin when all it needs is done and there is room for it: ``cards`` are the graphics
    cards that there are in all (None: it is not known, and no matter). When one that it needs
    did not end well it never will: it is ``lost``.
    """

    def __init__(self, planned: Sequence[Planned], cards: int | None = 0) -> None:
        self._planned = planned
        self._cards = cards
        self._missing = [len(one.needs) for one in planned]
        self._readers: dict[str, list[int]] = {}
        self._ready: dict[Room, list[int]] = {}
        self._lost: list[int] = []
        self._given = [False] * len(planned)
        for place, one in enumerate(planned):
            for name in one.needs:
                self._readers.setdefault(name, []).append(place)
            if not one.needs:
                self._get_ready(place)

    def next(self, cores: float, cards: float = math.inf) -> int | None:
        """The place of a step that asks for no more than this; it is given out once."""
        fitting = [
            queue
            for (some, few), queue in self._ready.items()
            if queue and some <= cores and few <= cards
        ]
        if not fitting:
            return None
        place = heapq.heappop(min(fitting))
        self._given[place] = True
        return place

    def lost(self) -> int | None:
        """The place of a step that cannot begin any more; it is given out once."""
        while self._lost:
            place = heapq.heappop(self._lost)
            if not self._given[place]:
                self._given[place] = True
                return place
        return None

    def ended(self, name: str, *, well: bool) -> None:
        """Say how a step ended, so that those that wait for it go on."""
        for place in self._readers.pop(name, ()):
            self._missing[place] -= 1
            if not well:
                heapq.heappush(self._lost, place)
            elif not self._missing[place] and not self._given[place]:
                self._get_ready(place)

    def _get_ready(self, place: int) -> None:
        step = self._planned[place].step
        room = (step.cpus, wanted(step, self._cards))
        heapq.heappush(self._ready.setdefault(room, []), place)


__all__ = ["Agenda", "Room"]
