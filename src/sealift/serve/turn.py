"""The turns of an event loop: what has come is dealt with, and then the loop waits for more.

Whoever gathers what came in one turn, to deal with all of it together, hears of its end here.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from typing import Any

from sealift.serve import log

_Ready = list[tuple[selectors.SelectorKey, int]]


class Turns(selectors.DefaultSelector):
    """Waits for sockets; ``ended`` is called before, and says whether it did anything.

    If it fails, ``failed`` is told, and the loop goes on.
    """

    ended: Callable[[], bool] | None = None
    failed: Callable[[Exception], None]

    def select(self, timeout: float | None = None) -> _Ready:
        """The sockets that are ready, after ``timeout`` seconds at most."""
        if self.ended is not None:
            try:
                busy = self.ended()
            except Exception as error:  # noqa: BLE001  as for any callback of an event loop
                self.failed(error)
                busy = True
            if busy:
                # it may have left something for the loop to do
                timeout = 0
        return super().select(timeout)


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose ``turns`` can be heard of, and whose faults are logged."""

    def __init__(self) -> None:
        self.turns = Turns()
        self.turns.failed = self._failed
        super().__init__(self.turns)
        self.set_exception_handler(_logged)

    def _failed(self, error: Exception) -> None:
        self.call_exception_handler({"message": "A turn did not end well.", "exception": error})


def _logged(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Write what a callback or a task failed with, where everything else is written."""
    log.fault(context.get("exception"), context["message"])


__all__ = ["Loop", "Turns"]
