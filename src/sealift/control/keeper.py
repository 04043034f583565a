"""Keeps one background process there: begun, begun again when it dies, replaced when it hangs."""

from __future__ import annotations

from collections.abc import Callable

from sealift import clock, process
from sealift.control.daemon import Daemon, Living

SILENCE = 30.0
"""Seconds without an answer after which a process that runs is taken for hung."""
WELL = 10.0
"""Seconds after which one that has run so long is not said to die at once."""
LONGEST = 30.0
"""Seconds between two starts, at most, of one that dies at once."""


class Keeper:
    """Looks after one process; ``port`` chooses its port, ``answers`` asks it there."""

    def __init__(
        self,
        kind: Daemon,
        *,
        port: Callable[[], int],
        answers: Callable[[int], bool],
        monotonic: Callable[[], float] = clock.monotonic,
    ) -> None:
        self._kind = kind
        self._port = port
        self._answers = answers
        self._monotonic = monotonic
        self._living: Living | None = None
        self._heard = 0.0
        self._begun = 0.0
        self._attempts = 0

    def tick(self) -> Living | None:
        """One look; the process that was begun, if one was. Raises ``SealiftError``."""
        now = self._monotonic()
        if self._living is None:
            self._take(next(iter(self._kind.find()), None), now)
        if self._living is not None and self._well(self._living, now):
            return None
        return self._begin(now)

    def _well(self, living: Living, now: float) -> bool:
        """Whether it runs and has answered lately; what is left of it is removed if not."""
        if process.alive(living.pid, living.start):
            if self._answers(living.port):
                self._heard = now
            if now - self._heard < SILENCE:
                return True
        self._kind.remove(living)
        if now - self._begun > WELL:
            self._attempts = 0
        self._living = None
        return False

    def _begin(self, now: float) -> Living | None:
        pause = min(LONGEST, 2.0**self._attempts) if self._attempts else 0.0
        if now - self._begun < pause:
            return None
        self._begun = now
        self._attempts += 1
        self._take(self._kind.start(port=self._port()), now)
        return self._living

    def _take(self, living: Living | None, now: float) -> None:
        self._living, self._heard = living, now


__all__ = ["Keeper"]
