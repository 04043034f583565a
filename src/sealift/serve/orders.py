"""Orders to load or unload a model, which one worker is given and all follow."""

from __future__ import annotations

import asyncio

from sealift import clock
from sealift.serve.board import Seat

PAUSE = 0.01
"""Seconds between looks at how far the others are."""

PATIENCE = 60.0
"""Seconds that the others are waited for."""


class Orders:
    """The orders about one model; their number is on the board, even: loaded, odd: unloaded."""

    def __init__(self, seat: Seat, model: str) -> None:
        self._board = seat.board
        self._given = seat.board.orders
        self._followed = seat.status
        self._model = model
        self._seen = 0
        self._last = seat.board.orders.cell(model)

    @property
    def pending(self) -> bool:
        """Whether there is an order that this worker has not followed."""
        return self._given.numbers[self._last] != self._seen

    @property
    def loaded(self) -> bool:
        """Whether the model is to be loaded, by the last order."""
        return self._given.get(self._model) % 2 == 0

    def give(self, *, loaded: bool) -> None:
        """Tell all workers; this one has followed already."""
        last = int(self._given.get(self._model))
        step = 1 if (last % 2 == 1) == loaded else 2
        self._given.set(last + step, self._model)
        self.follow()

    def follow(self) -> None:
        """Note that this worker has done what the last order says."""
        self._seen = int(self._given.get(self._model))
        self._followed.set(self._seen, "order", self._model)

    async def followed(self) -> None:
        """Wait until all workers that live have followed."""
        until = clock.monotonic() + PATIENCE
        while clock.monotonic() < until and any(
            status.get("pid") and status.get("order", self._model) < self._seen
            for status in self._board.status[: self._board.workers]
        ):
            await asyncio.sleep(PAUSE)


__all__ = ["Orders"]
