"""What a release has seen so far, in the form that its guards need.

Observations are read in order and only added up, so that the same observations give the same
evidence, in portions of any size: a controller that was restarted reads them again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from operator import add

from sealift.record.observation import RequestSeen, Scored
from sealift.record.release import Plan
from sealift.stats.latency import TailLatency
from sealift.stats.losses import LOSSES, Value, middle
from sealift.stats.means import MeanDifference
from sealift.stats.rates import RateDifference

FIRST_TRUTHS = 25
"""Labels that make a baseline where the profile gives none."""


class Evidence:
    """The evidence of one release.

    ``candidate`` and ``stable`` are model versions. ``shares`` maps each generation of the routes
    (as text) to the candidate's fraction of the traffic; it is read when an observation comes, so
    it may grow, or be replaced. ``baseline`` is the stable model's constant prediction from its
    profile; without one, the first labels give it. Observations of other generations or versions
    are passed over, and so are those of a generation in which one version had all the traffic.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        candidate: int,
        stable: int | None,
        shares: Mapping[str, float],
        baseline: Value | None = None,
    ) -> None:
        margins = {guard.name: guard.margin for guard in plan.guards}
        self.candidate = candidate
        self.stable = stable
        self.shares = shares
        self.errors = RateDifference()
        self.latency = TailLatency(margins["latency_p99"]) if "latency_p99" in margins else None
        alpha = plan.alpha / len(plan.guards)
        self.losses = {
            name: LossDifference(name, margins[name], baseline, alpha)
            for name in LOSSES
            if name in margins
        }

    def see_request(self, request: RequestSeen) -> None:
        """Take in a request as the router saw it."""
        share = self._share(request.generation, request.version)
        if share is None:
            return
        candidate = request.version == self.candidate
        failed = request.status == 0 or request.status >= 500
        self.errors.add(candidate=candidate, event=failed, share=share)
        if self.latency and not failed:
            self.latency.add(at=request.at, candidate=candidate, seconds=request.seconds)

    def see_scored(self, scored: Scored) -> None:
        """Take in a prediction whose truth is known."""
        share = self._share(scored.generation, scored.version)
        if share is None:
            return
        for loss in self.losses.values():
            loss.see(scored, candidate=scored.version == self.candidate, share=share)

    def answers(self, share: float) -> int:
        """How many answers of the candidate were seen at a share of the traffic."""
        return sum(
            row.candidate
            for seen, row in self.errors.by_share.items()
            if math.isclose(seen, share, abs_tol=5e-4)
        )

    def _share(self, generation: int, version: int) -> float | None:
        if version not in (self.candidate, self.stable):
            return None
        share = self.shares.get(str(generation))
        return share if share is not None and 0.0 < share < 1.0 else None


class LossDifference:
    """The difference of the mean losses of labelled predictions, of one kind.

    The rows of one request were answered by one version: they are one draw of the split, and are
    summed up if their labels come one after another.

    A label or a prediction that the loss cannot be worked out from (a text where a number is
    needed, or no number of reasonable size) is counted in ``unusable`` and otherwise passed over.
    """

    def __init__(self, name: str, margin: float, baseline: Value | None, alpha: float) -> None:
        self.mean = MeanDifference(margin=margin, relative=name != "error_rate", alpha=alpha)
        self.unusable = 0
        self._loss = LOSSES[name]
        self._baseline = baseline if self._usable(baseline) else None
        self._waiting: list[tuple[Scored, bool, float]] = []
        self._open: OneRequest | None = None

    def _usable(self, baseline: Value | None) -> bool:
        """Whether the profile's baseline is one for this loss: not a class where numbers count."""
        try:
            return baseline is not None and bool(self._loss(baseline, baseline, baseline))
        except ValueError:
            return False

    def see(self, scored: Scored, *, candidate: bool, share: float) -> None:
        """Take in a labelled prediction."""
        try:
            self._loss(scored.output, scored.value, scored.value)
        except ValueError:
            self.unusable += 1
            return
        if self._baseline is not None:
            self._take(scored, candidate, share, self._baseline)
            return
        self._waiting.append((scored, candidate, share))
        if len(self._waiting) == FIRST_TRUTHS:
            self._baseline = middle([kept.value for kept, _, _ in self._waiting])
            for kept, arm, at in self._waiting:
                self._take(kept, arm, at, self._baseline)
            self._waiting = []

    def _take(self, scored: Scored, candidate: bool, share: float, baseline: Value) -> None:
        loss, features = self._loss(scored.output, scored.value, baseline)
        request = request_of(scored)
        if self._open is not None:
            if self._open.key == request:
                self._open.add(loss, features)
                return
            self._open.hand_over(self.mean)
        self._open = OneRequest(request, loss, features, candidate, share)
        if not request:
            self._open.hand_over(self.mean)
            self._open = None


class OneRequest:
    """Rows that were answered together, as long as more may come."""

    def __init__(
        self, key: str, loss: float, features: Sequence[float], candidate: bool, share: float
    ) -> None:
        self.key, self.loss, self.features = key, loss, tuple(features)
        self.candidate, self.share = candidate, share

    def add(self, loss: float, features: Sequence[float]) -> None:
        """Another row."""
        self.loss += loss
        self.features = tuple(map(add, self.features, features))

    def hand_over(self, mean: MeanDifference) -> None:
        """Count it."""
        mean.add(self.loss, self.features, candidate=self.candidate, share=self.share)


def request_of(scored: Scored) -> str:
    """What the rows of one request have in common; empty for a request of a single row.

    Rows are called "REQUEST/0", "REQUEST/1" and so on.
    """
    request, slash, row = scored.id.rpartition("/")
    return f"{request} {scored.version} {scored.generation}" if slash and row.isdecimal() else ""


__all__ = ["Evidence", "LossDifference"]
