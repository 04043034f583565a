"""The difference of two mean losses under traffic that is split by shares, at every moment.

Each labelled prediction gives a loss L of the version that answered; ``w`` is the candidate's
share in force. The score of a prediction for "mean(candidate) - f mean(stable) - c", weighted by
w(1-w), is

    X = (1-w) (L - m)          if the candidate answered      + w(1-w) ((1-f) m - c)
    X = - f w (L - m)          if the stable version did      + the same

Its mean over the split is w(1-w) times that difference, whatever m is (inverse-propensity scores
with regression adjustment), as long as m is known without looking at who answered or how well. Here
m is a regression of earlier losses, of both versions together, on what the truth alone says: the
more of a loss is the doing of the truth (a flight four hours late is missed by every model), the
less of it is left to chance. The weight w(1-w) makes each prediction count for what it tells
("overlap weights": Li, Morgan and Zaslavsky, JASA 2018, arXiv 1404.1785).

With S the sum of the scores and V their variance, the capital against "the difference is at most 0"
is the mixture of exp(k S - k^2 V / 2) over k > 0, half-normal with variance 1/rho:

    E = 2 sqrt(rho/(V+rho)) exp(S^2 / (2 (V+rho))) Phi(S / sqrt(V+rho))

(one-sided normal mixture: Howard, Ramdas, McAuliffe and Sekhon, Annals of Statistics 2021, arXiv
1810.08240). It is worked out anew for every difference that is asked about, with the scores moved
by it; the differences that it does not refuse are a confidence sequence.

V = A/3 + 2B/3, or A if that is more: A sums X^2, and B what X^2 would be in the mean over the split
if the hypothesis held for this very prediction, w(1-w) (X' - X'')^2 with the scores X' and X'' that
it would have had from the two versions. Since exp(x - x^2/6) <= 1 + x + x^2/3 (Delyon, Electronic
Journal of Probability 2009), each exp(k X - k^2 (X^2/6 + B/3)) then has a mean of at most 1.

When it holds: exactly, for any number of losses and however heavy their tails, if for each
prediction the candidate's loss is f times the stable version's plus c; so for two versions that
answer alike. Otherwise asymptotically, for losses of finite variance (Waudby-Smith, Arbour, Sinha,
Kennedy and Ramdas, Annals of Statistics 2024, arXiv 2103.06476): so nothing is said before each
version has 100 losses. The randomness that is needed is that of the split, not of the losses: these
may depend on one another and drift (Ham, Bojinov, Lindon and Tingley, arXiv 2210.08639). What is
split is a request: the rows of one request are summed up into one loss L. Under an exact rotation
the sums vary less than at random, as long as no client keeps step with it. Labels may come late and
not at all, if that does not depend on who answered.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sealift.stats.rates import last_true

BLOCK = 50
"""Losses that are taken together; the regression is renewed between blocks."""

BURN_IN = 100
"""Losses that only teach the first regression and the scale."""

FEWEST = 100
"""Losses of each version before anything is said."""

TUNED_FOR = 400.0
"""The sum of w(1-w) at which the bounds are tightest: 4,400 losses at 10 %, 1,600 at 50 %."""


def log_mixture(total: float, variance: float, rho: float) -> float:
    """The logarithm of the one-sided normal mixture.

    >>> log_mixture(0.0, 0.0, 1.0)
    0.0
    """
    spread = variance + rho
    z = total / math.sqrt(spread)
    return math.log(2.0) + 0.5 * math.log(rho / spread) + 0.5 * z * z + log_normal_cdf(z)


def log_normal_cdf(z: float) -> float:
    """The logarithm of the normal distribution function, far into its tail."""
    if z > -30.0:
        return math.log(0.5 * math.erfc(-z / math.sqrt(2.0)))
    return -0.5 * z * z - math.log(-z * math.sqrt(2.0 * math.pi)) + math.log1p(-1.0 / (z * z))


def tuning(alpha: float) -> float:
    """The part of the variance that goes into rho to make the bound tightest there.

    Howard et al. 2021, section 3.5, for a one-sided bound.
    """
    level = 2.0 * math.log(1.0 / min(0.5, 2.0 * alpha))
    return 1.0 / (level + math.log(1.0 + level))


class Score:
    """Sums of the scores for one hypothesis "mean(candidate) is factor x mean(stable) + offset"."""

    def __init__(self, factor: float = 1.0, offset: float = 0.0) -> None:
        self.factor, self.offset = factor, offset
        self.total = self.weight = 0.0
        self._seen = Squares()
        self._split = Squares()

    def add(self, block: Block, expected: NDArray[np.float64]) -> None:
        """The scores of a block, given the losses expected from the truth."""
        share, size, rest = block.share, block.features[:, 0], block.loss - expected
        weight = share * (1.0 - share)
        score = np.where(block.candidate, (1.0 - share) * rest, -self.factor * share * rest)
        score += weight * ((1.0 - self.factor) * expected - self.offset * size)
        self.total += float(score.sum())
        self.weight += float(weight @ size)
        self._seen.add(score, -weight * size)
        swing = np.where(block.candidate, 1.0, self.factor) * block.loss
        swing -= (1.0 - share + self.factor * share) * expected
        shift = np.where(block.candidate, -share, 1.0 - share) * size
        deviation = np.sqrt(weight)
        self._split.add(deviation * (swing + self.offset * shift), deviation * shift)

    def estimate(self) -> float:
        """The difference, candidate minus factor x stable minus offset."""
        return self.total / self.weight

    def log_e_above(self, value: float, rho: float) -> float:
        """Log capital against "the difference is at most this value"."""
        return log_mixture(self.total - value * self.weight, self._variance(value), rho)

    def log_e_below(self, value: float, rho: float) -> float:
        """Log capital against "the difference is at least this value"."""
        return log_mixture(value * self.weight - self.total, self._variance(value), rho)

    def lower(self, alpha: float, rho: float) -> float:
        """The difference is above this at every moment, except with probability ``alpha``."""
        needed, middle, reach = -math.log(alpha), self.estimate(), self._reach()
        while self.log_e_above(middle - reach, rho) < needed:
            reach *= 2.0
        return last_true(
            lambda value: self.log_e_above(value, rho) >= needed, middle - reach, middle
        )

    def upper(self, alpha: float, rho: float) -> float:
        """The difference is below this at every moment, except with probability ``alpha``."""
        needed, middle, reach = -math.log(alpha), self.estimate(), self._reach()
        while self.log_e_below(middle + reach, rho) < needed:
            reach *= 2.0
        return last_true(
            lambda value: self.log_e_below(value, rho) >= needed, middle + reach, middle
        )

    def _variance(self, value: float) -> float:
        seen = self._seen.at(value)
        return max(seen, (seen + 2.0 * self._split.at(value)) / 3.0)

    def _reach(self) -> float:
        return 4.0 * math.sqrt(self._variance(self.estimate()) + 1e-300) / self.weight


class Squares:
    """The sum of (a + v b)^2 over many pairs, for any v."""

    def __init__(self) -> None:
        self.constant = self.linear = self.square = 0.0

    def add(self, a: NDArray[np.float64], b: NDArray[np.float64]) -> None:
        """More pairs."""
        self.constant += float(a @ a)
        self.linear += float(a @ b)
        self.square += float(b @ b)

    def at(self, value: float) -> float:
        """The sum for one v."""
        return max(0.0, self.constant + 2.0 * value * self.linear + value * value * self.square)


class Block:
    """Losses that are taken together, as columns."""

    def __init__(self, rows: Sequence[tuple[float, Sequence[float], bool, float]]) -> None:
        losses, features, candidates, shares = zip(*rows, strict=True)
        self.loss = np.array(losses, dtype=np.float64)
        self.features = np.array(features, dtype=np.float64)
        self.candidate = np.array(candidates, dtype=np.bool_)
        self.share = np.array(shares, dtype=np.float64)


class Regression:
    """Least squares of the losses seen so far on features of the truth."""

    def __init__(self) -> None:
        self.gram: NDArray[np.float64] | None = None
        self.moments: NDArray[np.float64] | None = None

    def learn(self, block: Block) -> None:
        """Take a block in."""
        gram = block.features.T @ block.features
        moments = block.features.T @ block.loss
        self.gram = gram if self.gram is None else self.gram + gram
        self.moments = moments if self.moments is None else self.moments + moments

    def expect(self, block: Block) -> NDArray[np.float64]:
        """The losses of a block, from its truths alone."""
        assert self.gram is not None
        assert self.moments is not None
        scale = np.sqrt(np.maximum(np.diag(self.gram), 1e-300))
        standard = self.gram / np.outer(scale, scale) + 1e-9 * np.eye(len(scale))
        return block.features @ (np.linalg.solve(standard, self.moments / scale) / scale)


class MeanDifference:
    """Candidate's mean loss minus stable's, and where it stands to a margin.

    ``margin`` is a fraction of the stable version's mean loss if ``relative``, else in the unit of
    the loss. The decision on the margin is one on "candidate minus (1 + margin) times stable", so
    that no estimate of the stable version's mean enters it.

    >>> losses = MeanDifference(margin=0.05, relative=True, alpha=0.05)
    >>> for number in range(4_000):
    ...     candidate, truth = number % 2 == 1, float(number % 97)
    ...     loss = truth / 10 + (1.5 if candidate else 1.0) * (number % 7)
    ...     losses.add(loss, (1.0, truth), candidate=candidate, share=0.5)
    >>> losses.lower(0.05) < 1.5 < losses.upper(0.05)
    True
    >>> losses.log_e_worse() > math.log(60), losses.log_e_harmless() > math.log(20)
    (True, False)
    """

    def __init__(self, *, margin: float, relative: bool, alpha: float) -> None:
        self.margin, self.relative = margin, relative
        self.plain = Score()
        self.moved = Score(factor=1.0 + margin) if relative else Score(offset=margin)
        self.candidate = 0
        self.stable = 0
        self._units = {True: 0, False: 0}
        self._alpha = alpha
        self._rho: float | None = None
        self._regression = Regression()
        self._buffer: list[tuple[float, Sequence[float], bool, float]] = []
        self._stable_total = self._stable_weight = 0.0

    def add(self, loss: float, features: Sequence[float], *, candidate: bool, share: float) -> None:
        """One loss, with what the truth alone says of it (a constant first).

        Predictions that were answered together are one: the sums of their losses and features.
        """
        self._buffer.append((loss, features, candidate, share))
        if self._rho is None and len(self._buffer) == BURN_IN:
            self._begin(Block(self._buffer))
            self._buffer = []
        elif self._rho is not None and len(self._buffer) == BLOCK:
            self._take(Block(self._buffer))
            self._buffer = []

    @property
    def ready(self) -> bool:
        """Whether there is enough to say anything."""
        return min(self._units.values()) >= FEWEST

    def stable_mean(self) -> float:
        """The stable version's mean loss over the times of the candidate."""
        return self._stable_total / self._stable_weight

    def difference(self) -> float:
        """Candidate minus stable, freed of what the truth explains."""
        return self.plain.estimate()

    def log_e_worse(self) -> float:
        """Log capital against "the candidate's mean loss is at most the stable's"."""
        return self.plain.log_e_above(0.0, self._scale) if self.ready else 0.0

    def log_e_harmless(self) -> float:
        """Log capital against "the candidate's mean loss is worse by the margin or more"."""
        return self.moved.log_e_below(0.0, self._scale) if self.ready else 0.0

    def lower(self, alpha: float) -> float:
        """The difference is above this at every moment, except with probability ``alpha``."""
        return self.plain.lower(alpha, self._scale)

    def upper(self, alpha: float) -> float:
        """The difference is below this at every moment, except with probability ``alpha``.

        It is below the margin exactly when ``log_e_harmless`` has reached log(1/alpha).
        """
        allowed = self.margin * (self.stable_mean() if self.relative else 1.0)
        return self.moved.upper(alpha, self._scale) + allowed

    @property
    def _scale(self) -> float:
        assert self._rho is not None
        return self._rho

    def _begin(self, block: Block) -> None:
        self._regression.learn(block)
        rest = block.loss - self._regression.expect(block)
        variance = max(float(rest @ rest), 1e-9 * float(block.loss @ block.loss), 1e-12) / BURN_IN
        self._rho = variance * TUNED_FOR * tuning(self._alpha)

    def _take(self, block: Block) -> None:
        expected = self._regression.expect(block)
        self.plain.add(block, expected)
        self.moved.add(block, expected)
        self._regression.learn(block)
        size, answered = block.features[:, 0], int(block.candidate.sum())
        self._units[True] += answered
        self._units[False] += BLOCK - answered
        self.candidate += int(size[block.candidate].sum())
        self.stable += int(size[~block.candidate].sum())
        weight = np.where(block.candidate, 0.0, block.share)
        self._stable_total += float(weight @ block.loss)
        self._stable_weight += float(weight @ size)


__all__ = ["MeanDifference", "Score", "log_mixture"]
