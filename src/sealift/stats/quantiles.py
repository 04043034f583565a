"""A high quantile of a stream, bounded at every moment.

The q-quantile is below x exactly if fewer than p = 1 - q of the values exceed x, so a bound on the
quantile is a bound on a rate. Against "p or more exceed x" the capital is the likelihood ratio of
smaller rates, against "p or fewer exceed x" that of larger ones, averaged over several of them;
each is at most 1 in the mean if the hypothesis is true, so that either ever reaches ``1/alpha``
with probability at most ``alpha`` (Ville). The method is that of Howard and Ramdas, "Sequential
estimation of quantiles with applications to A/B testing and best-arm identification", Bernoulli
28(3), 2022, arXiv 1906.09712, with a finite mixture.

Values are kept in bins whose edges grow by one per cent, from ``unit`` up and down: a bound is the
outer edge of its bin, and a statement about an edge is exact.

Assumption: the values exceed x independently of one another, with a rate that may drift as long as
it stays on one side of p. Values that are slow together count as more evidence than they are.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter

from sealift.stats.rates import SIZE_WEIGHTS, SIZES, log_mean_exp, times_log

RATIOS = (1.25, 1.5, 2.0, 3.0, 5.0, 10.0)
"""How many times more values may exceed: the bets on "the quantile is higher"."""

GROWTH = 0.01
"""Logarithm of the width of a bin."""


def log_e_fewer(events: int, answers: int, rate: float) -> float:
    """Log capital against "events happen at this rate or a higher one".

    >>> math.isclose(log_e_fewer(0, 1_000, 0.01), 1_000 * -math.log(0.99), rel_tol=0.2)
    True
    """
    logs = (
        times_log(events, 1.0 - size)
        + times_log(answers - events, 1.0 + size * rate / (1.0 - rate))
        for size in SIZES
    )
    return log_mean_exp(logs, SIZE_WEIGHTS)


def log_e_more(events: int, answers: int, rate: float) -> float:
    """Log capital against "events happen at this rate or a lower one"."""
    ratios = [ratio for ratio in RATIOS if ratio * rate < 1.0]
    logs = (
        times_log(events, ratio) + times_log(answers - events, (1.0 - ratio * rate) / (1.0 - rate))
        for ratio in ratios
    )
    return log_mean_exp(logs, [1 / len(ratios)] * len(ratios))


class Quantile:
    """One high quantile of positive values, in fixed memory.

    >>> slowest = Quantile(0.99)
    >>> for number in range(2_000):
    ...     slowest.add(0.010 + 0.000_01 * (number % 1_000))
    >>> round(slowest.value(), 3)
    0.02
    >>> slowest.lower(0.05) < 0.0199 < slowest.upper(0.05)
    True
    """

    def __init__(self, level: float, unit: float = 1.0) -> None:
        self.rate = 1.0 - level
        self.unit = unit
        self.count = 0
        self.bins: Counter[int] = Counter()

    def add(self, value: float) -> None:
        """One value; zero and less count as the smallest there can be."""
        self.count += 1
        self.bins[math.ceil(math.log(max(value, 1e-9) / self.unit) / GROWTH)] += 1

    def edge(self, number: int) -> float:
        """The upper edge of a bin."""
        return self.unit * math.exp(GROWTH * number)

    def exceeding(self, value: float = 0.0) -> int:
        """How many values exceed an edge (by default ``unit``, exactly)."""
        first = round(math.log(value / self.unit) / GROWTH) if value else 0
        return sum(count for number, count in self.bins.items() if number > first)

    def value(self) -> float | None:
        """The quantile of the values seen, or None."""
        allowed = math.floor(self.rate * self.count + 1e-9)
        return self._smallest(allowed) if self.count else None

    def log_e_below(self) -> float:
        """Log capital against "the quantile is ``unit`` or more"."""
        return log_e_fewer(self.exceeding(), self.count, self.rate)

    def upper(self, alpha: float) -> float | None:
        """The quantile is below this at every moment, except with probability ``alpha``.

        None while there are too few values for any bound.
        """
        needed = -math.log(alpha)
        if log_e_fewer(0, self.count, self.rate) < needed:
            return None
        events = range(self.count + 1)
        refused = bisect_left(
            events, True, key=lambda k: log_e_fewer(k, self.count, self.rate) < needed
        )
        return self._smallest(refused - 1)

    def lower(self, alpha: float) -> float | None:
        """The quantile is above this at every moment, except with probability ``alpha``.

        None while there are too few values for any bound.
        """
        needed = -math.log(alpha)
        if log_e_more(self.count, self.count, self.rate) < needed:
            return None
        events = range(self.count + 1)
        enough = bisect_left(
            events, True, key=lambda k: log_e_more(k, self.count, self.rate) >= needed
        )
        above = 0
        for number in sorted(self.bins, reverse=True):
            above += self.bins[number]
            if above >= enough:
                return self.edge(number - 1)
        return None

    def _smallest(self, allowed: int) -> float:
        """The smallest edge that at most ``allowed`` values exceed."""
        above = 0
        for number in sorted(self.bins, reverse=True):
            if above + self.bins[number] > allowed:
                return self.edge(number)
            above += self.bins[number]
        return self.edge(min(self.bins))


__all__ = ["Quantile", "log_e_fewer", "log_e_more"]
