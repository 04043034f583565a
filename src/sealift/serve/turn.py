"""The turns of an event loop: what has come is dealt with, and then the loop waits for more.

Whoever gathers what came in one turn, to deal with all of it together, hears of its end here.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from typing import Any

from sealift import clock
from sealift.serve import log

SPAN = 0.002
"""Seconds for which turns may follow each other without the loop."""

_Ready = list[tuple[selectors.SelectorKey, int]]


class Turns(selectors.DefaultSelector):
    """Waits for sockets; ``ended`` is called before, and says whether it left the loop something
    to do.

    Files that are watched for ``come`` are no business of the loop: where nothing else is ready,
    one turn follows the other here, which saves what the loop takes to go round. ``come`` says
    whether it left the loop something to do. If either fails, ``failed`` is told, and the loop
    goes on.
    """

    ended: Callable[[], bool] | None = None
    failed: Callable[[Exception], None]

    def watch(self, file: Any, come: Callable[[], bool]) -> None:
        """Call ``come`` when there is something to read."""
        self.register(file, selectors.EVENT_READ, _Watched(come))

    def select(self, timeout: float | None = None) -> _Ready:
        """The sockets that are ready, after ``timeout`` seconds at most."""
        until = None
        while True:
            left = self.ended is not None and self._called(self.ended)
            found, others = super().select(0 if left else timeout), []
            for one in found:
                watched = one[0].data
                if isinstance(watched, _Watched):
                    left |= self._called(watched.come)
                else:
                    others.append(one)
            if left or others or not found or timeout == 0:
                return others
            now = clock.monotonic()
            until = until or now + SPAN
            if now >= until:
                return others

    def _called(self, whoever: Callable[[], bool]) -> bool:
        try:
            return whoever()
        except Exception as error:  # noqa: BLE001  as for any callback of an event loop
            self.failed(error)
            return True


class _Watched:
    """What to call for a file."""

    def __init__(self, come: Callable[[], bool]) -> None:
        self.come = come


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
