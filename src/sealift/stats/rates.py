"""The difference of two event rates under traffic that is split by shares, at every moment.

Two versions answer the same stream; ``w`` is the candidate's share in force at a request. Each
request moves a capital by a factor whose mean is at most 1 if the hypothesis is true, so that by
Ville's inequality the capital ever reaches ``1/alpha`` with probability at most ``alpha``: one may
look after every request and stop at will (testing by betting, Waudby-Smith and Ramdas, "Estimating
means of bounded random variables by betting", JRSSB 2024, arXiv 2010.09686).

With ``y`` = 1 for an event and ``o = w/(1-w)``, the odds that turn a count of the stable version
into the count expected of the candidate, the bet of size k at a request is

    on "rate(candidate) - rate(stable) <= l":  candidate 1 + k (y - l),  stable 1 - k o y
    on "rate(candidate) - rate(stable) >= u":  candidate 1 + k (u - y),  stable 1 + k o y

At l = 0 with k = (r-1)(1-w)/(wr+1-w) the first is, event by event, the likelihood ratio of "the
candidate has r times the rate" against "events fall on the candidate with its share" (Lindon and
Malek, "Anytime-valid inference for multinomial count data", NeurIPS 2022, arXiv 2011.03567). With
no event at all the second is (1-u)^-n, the exact binomial test. Bets of several sizes are averaged
with fixed weights. Only counts by share enter, so neither the order nor the size of the portions
in which requests are read changes anything.

Assumption: whether the candidate answers does not depend on what the request would do, either
because the split is random (then the rates may change in any way over time: a ramp of shares while
the rate drifts does no harm), or because it is an exact rotation during one turn of which the
rates stay the same (then the product over a turn has mean at most 1, since (1-x/n)^n <= exp(-x)).
What it means: if the hypothesis holds throughout the release, it is rejected with probability at
most alpha.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

RATIOS = (1.25, 1.5, 2.0, 3.0, 5.0, 10.0)
"""Ratios of the rates that the bets on "worse" are made for."""

SIZES = (1.0, 0.7, 0.5, 0.35, 0.25, 0.15, 0.1, 0.05, 0.025)
"""Bets on "not worse than the margin", as fractions of the largest possible."""

SIZE_WEIGHTS = (0.28, *((0.09,) * 8))
"""More on the first, which is the best one where there are no events."""

_STEPS = 32


def log_mean_exp(logs: Iterable[float], weights: Iterable[float]) -> float:
    """The logarithm of a weighted mean of exponentials.

    >>> round(log_mean_exp([0.0, math.log(3)], [0.5, 0.5]), 6) == round(math.log(2), 6)
    True
    """
    terms = [(value, weight) for value, weight in zip(logs, weights, strict=True)]
    top = max(value for value, _ in terms)
    if top == -math.inf:
        return -math.inf
    return top + math.log(sum(weight * math.exp(value - top) for value, weight in terms))


def times_log(count: int, factor: float) -> float:
    """The logarithm of ``factor ** count``; 0 for no factors, minus infinity for one that is 0."""
    if count == 0:
        return 0.0
    return count * math.log(factor) if factor > 0.0 else -math.inf


class Counts:
    """Events and answers of both versions at one share."""

    __slots__ = ("candidate", "candidate_events", "stable", "stable_events")

    def __init__(self) -> None:
        self.candidate = 0
        self.candidate_events = 0
        self.stable = 0
        self.stable_events = 0


class RateDifference:
    """Candidate's rate minus stable's, from counts by share.

    >>> errors = RateDifference()
    >>> for number in range(1_000):
    ...     errors.add(candidate=number % 10 == 9, event=number % 50 == 9, share=0.1)
    >>> round(errors.difference(), 3)
    0.2
    >>> errors.log_e_worse() > math.log(1e9), errors.lower(0.05) > 0.05
    (True, True)
    """

    def __init__(self) -> None:
        self.by_share: dict[float, Counts] = {}

    def add(self, *, candidate: bool, event: bool, share: float) -> None:
        """One answer; ``share`` is the candidate's fraction of the traffic in force at it."""
        counts = self.by_share.get(share)
        if counts is None:
            counts = self.by_share[share] = Counts()
        if candidate:
            counts.candidate += 1
            counts.candidate_events += event
        else:
            counts.stable += 1
            counts.stable_events += event

    @property
    def candidate(self) -> tuple[int, int]:
        """Events and answers of the candidate."""
        rows = self.by_share.values()
        return sum(row.candidate_events for row in rows), sum(row.candidate for row in rows)

    @property
    def stable(self) -> tuple[int, int]:
        """Events and answers of the stable version."""
        rows = self.by_share.values()
        return sum(row.stable_events for row in rows), sum(row.stable for row in rows)

    def stable_rate(self) -> float | None:
        """The stable version's rate, its answers weighted by the odds of the candidate.

        So both rates are means over the same times, whatever the shares were.
        """
        rows = [(odds(share), row) for share, row in self.by_share.items() if share < 1.0]
        total = sum(weight * row.stable for weight, row in rows)
        return sum(weight * row.stable_events for weight, row in rows) / total if total else None

    def difference(self) -> float | None:
        """Candidate's rate minus the stable version's over the same times."""
        (events, answers), stable = self.candidate, self.stable_rate()
        return None if answers == 0 or stable is None else events / answers - stable

    def log_e_worse(
        self, difference: float = 0.0, shares: Mapping[float, float] | None = None
    ) -> float:
        """Log capital against "the candidate's rate exceeds the stable's by at most this".

        ``shares`` replaces shares by others, where the router did not keep to them.
        """
        logs = []
        for ratio in RATIOS:
            total = 0.0
            for share, row in self.by_share.items():
                used = share if shares is None else shares[share]
                if 0.0 < used < 1.0:
                    total += log_bet_on_worse(row, used, ratio, difference)
            logs.append(total)
        return log_mean_exp(logs, [1 / len(RATIOS)] * len(RATIOS))

    def log_e_harmless(self, margin: float) -> float:
        """Log capital against "the candidate's rate exceeds the stable's by this or more"."""
        logs = []
        for size in SIZES:
            bet = size / (1.0 - margin)
            total = 0.0
            for share, row in self.by_share.items():
                fine = row.candidate - row.candidate_events
                total += times_log(row.candidate_events, 1.0 - size)
                total += times_log(fine, 1.0 + bet * margin)
                if share < 1.0:
                    total += times_log(row.stable_events, 1.0 + bet * odds(share))
            logs.append(total)
        return log_mean_exp(logs, SIZE_WEIGHTS)

    def lower(self, alpha: float, shares: Mapping[float, float] | None = None) -> float:
        """The difference is above this at every moment, except with probability ``alpha``."""
        needed = -math.log(alpha)
        return last_true(lambda value: self.log_e_worse(value, shares) >= needed, -1.0, 1.0)

    def upper(self, alpha: float) -> float:
        """The difference is below this at every moment, except with probability ``alpha``."""
        needed = -math.log(alpha)
        return last_true(lambda value: self.log_e_harmless(value) >= needed, 1.0, -1.0)


def odds(share: float) -> float:
    """What one answer of the stable version counts for among the candidate's."""
    return share / (1.0 - share)


def log_bet_on_worse(row: Counts, share: float, ratio: float, difference: float) -> float:
    """The log capital of the bet for one ratio, from the counts of one share."""
    bet = (ratio - 1.0) * (1.0 - share) / (share * ratio + 1.0 - share)
    if bet * difference >= 1.0:
        return -math.inf  # the stake may not exceed the capital
    fine = row.candidate - row.candidate_events
    return (
        times_log(row.candidate_events, 1.0 + bet * (1.0 - difference))
        + times_log(fine, 1.0 - bet * difference)
        + times_log(row.stable_events, 1.0 - bet * odds(share))
    )


def last_true(holds: Callable[[float], bool], inside: float, outside: float) -> float:
    """The last value on the way from one end to the other at which a statement holds.

    Where it never holds, ``inside`` itself.
    """
    for _ in range(_STEPS):
        middle = (inside + outside) / 2.0
        if holds(middle):
            inside = middle
        else:
            outside = middle
    return inside


__all__ = ["Counts", "RateDifference", "last_true", "log_mean_exp", "times_log"]
