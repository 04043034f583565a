"""How far counts in bins are from those of a reference, and how far they are for certain.

Three distances of two distributions p and q over the same bins: the Jensen-Shannon distance (0 to
1, a metric, for any bins), the population stability index (usual in banking), and the Wasserstein
distance (for ordered bins). A distance of samples is never 0, and a test of "no difference at all"
refuses ever smaller ones as the sample grows. So drift is judged by the size of the distance: by
what is left of it when all that chance can account for is taken away.

For n counts with shares h from a distribution q, and any prior over distributions,

    n KL(h, q) <= log(1/alpha) + log L(h) - log L(prior)

at every n at once, except with probability alpha, where L(h) is the largest likelihood of the
counts and L(prior) the one under the prior: the ratio of L(prior) to the likelihood under q is a
martingale that begins at 1 (Ville 1939; Robbins, Annals of Mathematical Statistics 41, 1970). The
prior here is Dirichlet(1/2), for which the difference is about (k-1)/2 log n with k bins
(Krichevsky and Trofimov, IEEE Transactions on Information Theory 27(2), 1981). Bin by bin, the
Jensen-Shannon divergence of h and q is at most ln(2)/2 times the Kullback-Leibler divergence: with
t = h/q the ratio of the two terms falls from ln(2)/2 at t = 0, by way of 1/4 at t = 1, to 0. Its
square root is a metric (Endres and Schindelin, same journal 49(7), 2003), so the distance of the
distributions is at least that of the samples less the two radii: for any distribution, any n, and
however often one looks. The price is that small samples prove little: with 20 bins, 1,000 rows
have a radius of 0.16, 10,000 rows one of 0.06.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Counts = Sequence[int] | NDArray[np.int64]
Shares = NDArray[np.float64]


def shares(counts: Counts, *, prior: float = 0.0) -> Shares:
    """The part of the rows in each bin, with ``prior`` rows added to every bin.

    Without any row, all bins get the same.

    >>> shares([1, 3]).tolist(), shares([0, 0]).tolist()
    ([0.25, 0.75], [0.5, 0.5])
    """
    rows = np.asarray(counts, dtype=np.float64) + prior
    total = rows.sum()
    return rows / total if total > 0 else np.full(len(rows), 1.0 / len(rows))


def parts(reference: Counts, current: Counts) -> Shares:
    """What each bin adds to the Jensen-Shannon divergence, in bits; together 0 to 1."""
    p, q = shares(reference), shares(current)
    middle = (p + q) / 2
    return (_relative(p, middle) + _relative(q, middle)) / 2


def jensen_shannon(reference: Counts, current: Counts) -> float:
    """The Jensen-Shannon distance: 0 for the same shares, 1 where no bin is in both.

    Lin, "Divergence measures based on the Shannon entropy", IEEE Transactions on Information
    Theory 37(1), 1991.

    >>> jensen_shannon([50, 50], [100, 100]), jensen_shannon([1, 0], [0, 1])
    (0.0, 1.0)
    """
    return math.sqrt(min(1.0, max(0.0, float(parts(reference, current).sum()))))


def psi(reference: Counts, current: Counts) -> float:
    """The population stability index: sum of (q - p) log(q/p), half a row added to every bin.

    Commonly, less than 0.1 is called stable and more than 0.25 a shift. It is Jeffreys' divergence
    (Siddiqi, "Credit Risk Scorecards", 2006; Jeffreys, "Theory of Probability", 1948).

    >>> round(psi([500, 500], [250, 750]), 2)
    0.27
    """
    p, q = shares(reference, prior=0.5), shares(current, prior=0.5)
    return float(((q - p) * np.log(q / p)).sum())


def wasserstein(reference: Counts, current: Counts) -> float:
    """The Wasserstein distance over ordered bins, in parts of the way from first to last.

    The area between the two distribution functions (Vallender, Theory of Probability and its
    Applications 18(4), 1974); 0.1 says that a row has moved by a tenth of the bins on average.

    >>> wasserstein([10, 0, 0], [0, 0, 5]), wasserstein([1], [9])
    (1.0, 0.0)
    """
    gaps = np.abs(np.cumsum(shares(reference) - shares(current))[:-1])
    return float(gaps.mean()) if len(gaps) else 0.0


def radius(counts: Counts, alpha: float) -> float:
    """How far, in Jensen-Shannon distance, the counts may be from what they were drawn from.

    Holds at every number of rows at once, except with probability ``alpha``.

    >>> round(radius([50] * 20, 0.05), 2), round(radius([5000] * 20, 0.05), 2)
    (0.16, 0.02)
    """
    rows = np.asarray(counts, dtype=np.float64)
    total, bins = float(rows.sum()), len(rows)
    if total <= 0:
        return 1.0
    present = rows[rows > 0]
    best = float((present * np.log(present / total)).sum())
    mixed = (
        math.lgamma(bins / 2)
        - math.lgamma(total + bins / 2)
        + sum(math.lgamma(row + 0.5) for row in rows)
        - bins * math.lgamma(0.5)
    )
    divergence = (math.log(1.0 / alpha) + best - mixed) / total
    return min(1.0, math.sqrt(divergence / 2.0))


def certain(reference: Counts, current: Counts, alpha: float) -> float:
    """The Jensen-Shannon distance that chance does not account for; 0 if it may be all of it.

    The distance of the distributions behind the counts is at least this, at every moment, except
    with probability ``alpha``.

    >>> certain([500, 500], [480, 520], 0.05)
    0.0
    >>> certain([500_000, 500_000], [250_000, 750_000], 0.05) > 0.17
    True
    """
    found = jensen_shannon(reference, current)
    return max(0.0, found - radius(reference, alpha / 2) - radius(current, alpha / 2))


def onset(reference: Counts, windows: Sequence[Counts]) -> int:
    """The window in which the counts most likely left the reference, given that they did.

    The generalised likelihood ratio: of all beginnings, the one from which on the rows speak most
    against the reference, n KL(shares, reference) (Siegmund and Venkatraman, "Using the generalized
    likelihood ratio statistic for sequential detection of a change-point", Annals of Statistics
    23(1), 1995).

    >>> onset([50, 50], [[5, 5], [6, 4], [5, 5], [0, 10], [1, 9]])
    3
    """
    p = shares(reference, prior=0.5)
    behind = np.cumsum(np.asarray(windows, dtype=np.float64)[::-1], axis=0)[::-1]
    rows = behind.sum(axis=1)
    against = [
        total * _relative(now / max(total, 1.0), p).sum()
        for now, total in zip(behind, rows, strict=True)
    ]
    # of equal ones the last: a window without rows changed nothing
    return len(against) - 1 - int(np.argmax(against[::-1]))


def _relative(p: Shares, q: Shares) -> Shares:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(p > 0, p * np.log2(p / q), 0.0)


__all__ = [
    "certain",
    "jensen_shannon",
    "onset",
    "parts",
    "psi",
    "radius",
    "shares",
    "wasserstein",
]
