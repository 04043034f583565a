"""The candidate's slow answers against the stable version's p99, which moves with the load.

The reference is the 99th percentile of the stable version's last 1,000 answers, worked out anew
after every 100: it is known before an answer is judged by it, and follows the load of the machine.
What is judged is the ratio of an answer's time to the reference; the limit is 1 + margin.

* Not worse: fewer than 1 % of the candidate's answers exceed the limit (``quantiles``), which is to
  say that its p99 is below it.
* Worse: its answers exceed the limit more often than 1 % and more often than the stable version's
  in the same seconds (``blocks``). So a healthy version is safe if either the limit or the stable
  version's present tail is fair to it.

The first 50 answers of either version are left out (a cold start is no property of a version), and
nothing is judged before the reference has 500 answers. The reference is an estimate: the promise is
about the limit, not about the true p99 of the stable version.
"""

from __future__ import annotations

from collections import deque

from sealift.stats.blocks import BlockDifference
from sealift.stats.quantiles import Quantile

BURN_IN = 50
FIRST_REFERENCE = 500
WINDOW = 1_000
REFRESH = 100
LEVEL = 0.99


class TailLatency:
    """The p99 of the candidate relative to that of the stable version.

    >>> tail = TailLatency(margin=0.2)
    >>> for number in range(6_000):
    ...     seconds = 0.010 + 0.000_01 * (number * 7 % 300)
    ...     tail.add(at=number / 100, candidate=number % 2 == 1, seconds=seconds)
    >>> round(tail.reference, 3), tail.ratios.log_e_below() > 3.0
    (0.013, True)
    """

    def __init__(self, margin: float) -> None:
        self.limit = 1.0 + margin
        self.reference: float | None = None
        self.ratios = Quantile(LEVEL, unit=self.limit)
        self.slow = BlockDifference(floor=1.0 - LEVEL)
        self.stable = 0
        self._seen = {True: 0, False: 0}
        self._window: deque[float] = deque(maxlen=WINDOW)

    def add(self, *, at: float, candidate: bool, seconds: float) -> None:
        """The time one answer took."""
        self._seen[candidate] += 1
        if self._seen[candidate] <= BURN_IN:
            return
        if self.reference:
            ratio = seconds / self.reference
            self.slow.add(at=at, candidate=candidate, event=ratio > self.limit)
            if candidate:
                self.ratios.add(ratio)
            else:
                self.stable += 1
        if not candidate:
            self._window.append(seconds)
            if len(self._window) >= FIRST_REFERENCE and self._seen[False] % REFRESH == 0:
                self.reference = sorted(self._window)[int(LEVEL * len(self._window))]


__all__ = ["TailLatency"]
