"""Where a mean or a rate lies, at every moment: confidence sequences for one sample.

Unlike intervals for a fixed number of rows, they hold for all numbers of rows at once, so that one
may look as often as one likes.
"""

from __future__ import annotations

import math
from collections.abc import Callable

FEWEST = 30
"""Values before anything is said of their mean."""

TUNED_FOR = 1_000
"""Values at which the bounds of a mean are tightest."""


def mean_bounds(
    mean: float, deviation: float, count: int, alpha: float = 0.05
) -> tuple[float, float] | None:
    """Bounds of the mean of values with this mean and standard deviation; None for too few.

    Asymptotic, for values of finite variance: Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas,
    "Time-uniform central limit theory and asymptotic confidence sequences", Annals of Statistics
    52(6), 2024, arXiv 2103.06476, equation 3; the width is tuned as in their appendix B.2.

    >>> [round(bound, 2) for bound in mean_bounds(10.0, 2.0, 1_000)]
    [9.81, 10.19]
    >>> mean_bounds(10.0, 2.0, 5)
    """
    if count < FEWEST:
        return None
    level = -2.0 * math.log(alpha)
    scale = count * (level + math.log(level + 1.0)) / TUNED_FOR
    spread = 2.0 * (scale + 1.0) / (count * scale) * math.log(math.sqrt(scale + 1.0) / alpha)
    reach = deviation * math.sqrt(spread)
    return mean - reach, mean + reach


def rate_bounds(events: int, count: int, alpha: float = 0.05) -> tuple[float, float]:
    """Bounds of the probability of an event; exact for any count.

    The rates whose likelihood is not less than alpha times that under a Beta(1/2, 1/2) prior
    (Robbins, Annals of Mathematical Statistics 41, 1970; Ville's inequality).

    >>> [round(bound, 3) for bound in rate_bounds(50, 1_000)]
    [0.029, 0.079]
    >>> rate_bounds(0, 0)
    (0.0, 1.0)
    """
    if count == 0:
        return 0.0, 1.0
    least = math.log(alpha) + (
        math.lgamma(events + 0.5)
        + math.lgamma(count - events + 0.5)
        - math.lgamma(count + 1.0)
        - 2.0 * math.lgamma(0.5)
    )
    share = events / count

    def fits(rate: float) -> bool:
        return _times_log(events, rate) + _times_log(count - events, 1.0 - rate) >= least

    lower = 0.0 if fits(0.0) else _edge(fits, share, 0.0)
    upper = 1.0 if fits(1.0) else _edge(fits, share, 1.0)
    return lower, upper


def _edge(fits: Callable[[float], bool], inside: float, outside: float) -> float:
    """The last rate that fits on the way from one that does to one that does not."""
    for _ in range(60):
        middle = (inside + outside) / 2.0
        inside, outside = (middle, outside) if fits(middle) else (inside, middle)
    return inside


def _times_log(count: int, value: float) -> float:
    if count == 0:
        return 0.0
    return count * math.log(value) if value > 0.0 else -math.inf


__all__ = ["mean_bounds", "rate_bounds"]
