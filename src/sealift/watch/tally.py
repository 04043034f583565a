"""Adding up, by version, what the observations say of requests and of labelled predictions."""

from __future__ import annotations

import math
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from sealift.ports import Observations
from sealift.record.observation import RequestSeen, Scored
from sealift.record.watch import Estimate
from sealift.stats import bounds, losses

PAGE = 10_000
"""Rows that are read at once."""


@dataclass
class Tally:
    """One version: seconds of the answers, errors of its numbers, and whether classes were right.

    ``unusable`` counts labels that cannot be compared with what was predicted.
    """

    requests: int = 0
    failed: int = 0
    seconds: array[float] = field(default_factory=lambda: array("d"))
    errors: array[float] = field(default_factory=lambda: array("d"))
    right: int = 0
    wrong: int = 0
    unusable: int = 0
    first: float = math.inf
    last: float = -math.inf

    def see_request(self, seen: RequestSeen) -> None:
        """Take in a request."""
        self._see(seen.at)
        self.requests += 1
        if seen.status >= 500 or seen.status == 0:
            self.failed += 1
        else:
            self.seconds.append(seen.seconds)

    def see_scored(self, scored: Scored) -> None:
        """Take in a prediction whose label is known."""
        self._see(scored.at)
        if isinstance(scored.output, str):
            if losses.same(scored.output, scored.value):
                self.right += 1
            else:
                self.wrong += 1
            return
        try:
            self.errors.append(losses.number(scored.output) - losses.number(scored.value))
        except ValueError:
            self.unusable += 1

    def latency(self, level: float) -> float | None:
        """A quantile of the seconds; None without any answer."""
        return float(np.quantile(self.seconds, level)) if self.seconds else None

    def metrics(self) -> dict[str, Estimate]:
        """Losses with their bounds, the one that matters most first."""
        if self.errors:
            return _of_numbers(np.asarray(self.errors))
        if self.right + self.wrong:
            return _of_classes(self.wrong, self.right + self.wrong)
        return {}

    def _see(self, at: float) -> None:
        self.first, self.last = min(self.first, at), max(self.last, at)


def tallies(observations: Observations, *, since: float = 0.0) -> dict[int, Tally]:
    """By version, from the requests and predictions made since an instant.

    Version 0, which has no request of its own, stands for requests that no version answered.
    """
    found: defaultdict[int, Tally] = defaultdict(Tally)
    for seen in _requests(observations):
        if seen.at >= since:
            found[seen.version].see_request(seen)
    for scored in _scored(observations):
        if scored.at >= since:
            found[scored.version].see_scored(scored)
    return dict(found)


def _requests(observations: Observations) -> Iterator[RequestSeen]:
    after = 0
    while page := observations.requests(after=after, limit=PAGE):
        after = page[-1][0]
        yield from (seen for _, seen in page)


def _scored(observations: Observations) -> Iterator[Scored]:
    after = 0
    while page := observations.scored(after=after, limit=PAGE):
        after = page[-1][0]
        yield from (scored for _, scored in page)


def _of_numbers(errors: np.ndarray[tuple[int], np.dtype[np.float64]]) -> dict[str, Estimate]:
    square = _mean(errors**2)
    low = None if square.lower is None else math.sqrt(max(0.0, square.lower))
    high = None if square.upper is None else math.sqrt(square.upper)
    return {
        "mae": _mean(np.abs(errors)),
        "rmse": Estimate(value=math.sqrt(square.value), lower=low, upper=high),
        "bias": _mean(errors),
    }


def _of_classes(wrong: int, count: int) -> dict[str, Estimate]:
    low, high = bounds.rate_bounds(wrong, count)
    share = wrong / count
    return {
        "error_rate": Estimate(value=share, lower=low, upper=high),
        "accuracy": Estimate(value=1.0 - share, lower=1.0 - high, upper=1.0 - low),
    }


def _mean(values: Iterable[float]) -> Estimate:
    column = np.asarray(values)
    mean = float(column.mean())
    found = bounds.mean_bounds(mean, float(column.std()), len(column))
    low, high = found or (None, None)
    return Estimate(value=mean, lower=low, upper=high)


__all__ = ["Tally", "tallies"]
