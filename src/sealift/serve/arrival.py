"""Bodies that do not arrive in time are given up, by one look at all of them every second.

A timer of its own for every request would cost more than the rest of reading it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

from sealift import clock
from sealift.serve.refusal import RefusalError

LOOK = 1.0
"""Seconds between two looks."""


class Arrival:
    """Bodies under way, the oldest first; each has ``patience`` seconds."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._since: dict[asyncio.Task[Any], float] = {}
        self._late: set[asyncio.Task[Any]] = set()
        self._looking: asyncio.Task[None] | None = None

    async def of(self, body: Awaitable[bytes]) -> bytes:
        """The body. Raises ``RefusalError`` (408) when it did not arrive in time."""
        task = asyncio.current_task()
        assert task is not None
        self._since[task] = clock.monotonic()
        if self._looking is None:
            self._looking = asyncio.ensure_future(self._look())
        try:
            return await body
        except asyncio.CancelledError:
            if task not in self._late:
                raise
            self._late.discard(task)
            task.uncancel()
        finally:
            self._since.pop(task, None)
        raise RefusalError("The body did not arrive in time.", code="too_slow", status=408)

    async def _look(self) -> None:
        while self._since:
            await asyncio.sleep(LOOK)
            oldest = clock.monotonic() - self._patience
            for task, since in list(self._since.items()):
                if since > oldest:
                    break
                del self._since[task]
                self._late.add(task)
                task.cancel()
        self._looking = None


__all__ = ["Arrival"]
