"""Two event rates compared block by block, for events that come in bursts.

A pause of a process makes many answers slow at once; taken one by one they would look like many
witnesses. So the stream is cut into blocks of a quarter of a second or more, each with answers of
both versions, and a block is one observation: D = mean(candidate) - max(mean(stable), floor),
between -1 and 1.
If the candidate's events are no more frequent than the stable version's, or than the floor, the
mean of D is at most 0 (the larger of two means exceeds either of them), the capital prod(1 + k D)
has mean at most 1, and ever reaches ``1/alpha`` with probability at most ``alpha`` (Ville). Bets of
several sizes k are averaged (Waudby-Smith and Ramdas, JRSSB 2024, arXiv 2010.09686).

Whatever depends on one another within a block does no harm, and neither does a rate that drifts
from block to block, since both versions are compared within the same block; the shares do not
enter.

>>> slow = BlockDifference(floor=0.01)
>>> for number in range(4_000):
...     candidate = number % 10 == 9
...     slow.add(at=number / 100, candidate=candidate, event=candidate and number % 4 == 1)
>>> slow.log_e_worse() > math.log(60)
True
"""

from __future__ import annotations

import math

from sealift.stats.rates import log_mean_exp

BETS = (0.1, 0.25, 0.5, 0.75, 0.95)
"""Fractions of the capital put on "the candidate's rate is higher"."""

SPAN = 0.25
"""Shortest block in seconds: longer than most pauses of a process."""


class BlockDifference:
    """Evidence that the candidate's events are more frequent than the stable's and the floor."""

    def __init__(self, *, floor: float) -> None:
        self.floor = floor
        self.blocks = 0
        self._logs = [0.0] * len(BETS)
        self._start: float | None = None
        self._answers = {True: 0, False: 0}
        self._events = {True: 0, False: 0}

    def add(self, *, at: float, candidate: bool, event: bool) -> None:
        """One answer at a time in seconds; a block that is full is closed first."""
        if self._start is None:
            self._start = at
        elif at - self._start >= SPAN and all(self._answers.values()):
            self._close()
            self._start = at
        self._answers[candidate] += 1
        self._events[candidate] += event

    def log_e_worse(self) -> float:
        """Log capital against "no more frequent", from the blocks that are closed."""
        return log_mean_exp(self._logs, [1 / len(BETS)] * len(BETS))

    def _close(self) -> None:
        candidate, stable = (self._events[arm] / self._answers[arm] for arm in (True, False))
        difference = candidate - max(stable, self.floor)
        self._logs = [
            log + math.log(1.0 + bet * difference)
            for log, bet in zip(self._logs, BETS, strict=True)
        ]
        self.blocks += 1
        self._answers = {True: 0, False: 0}
        self._events = {True: 0, False: 0}


__all__ = ["BlockDifference"]
