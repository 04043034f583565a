"""Where each guard of a release stands, in numbers that a person can check.

Rolling back takes evidence of K/alpha from any of K guards (union bound: a healthy version is
rolled back with probability at most alpha). Promoting takes evidence of 1/alpha from every guard;
no union bound is needed there, since a version that is harmful in some respect is promoted only if
that very guard errs (intersection-union test: Berger, Technometrics 1982). So ``lower`` holds with
confidence 1 - alpha/K, and ``upper`` with 1 - alpha, at every moment of the release.
"""

from __future__ import annotations

import math

import msgspec

from sealift.record.release import Guard, GuardEvidence, Plan, Standing
from sealift.release.evidence import Evidence
from sealift.stats.latency import TailLatency
from sealift.stats.means import MeanDifference
from sealift.stats.split import ALARM, log_e_split, measured_shares

FRACTION = "fraction of answers"
SECONDS = "seconds"

LARGEST = 690.0
"""Logarithm of the largest e-value that is written down: every format can hold it."""


def standings(plan: Plan, evidence: Evidence) -> tuple[GuardEvidence, ...]:
    """The evidence of every guard of the plan, in its order."""
    return tuple(_standing(guard, plan, evidence) for guard in plan.guards)


def worst_split(evidence: Evidence) -> tuple[float, float] | None:
    """The configured and the measured share that are furthest apart, if the split is wrong.

    None while the router may well have kept to the configured shares.
    """
    if evidence.stable is None or log_e_split(evidence.errors.by_share) < math.log(ALARM):
        return None
    measured = measured_shares(evidence.errors.by_share)
    return max(measured.items(), key=lambda pair: abs(pair[1] - pair[0]))


def _standing(guard: Guard, plan: Plan, evidence: Evidence) -> GuardEvidence:
    if guard.name == "errors":
        return _errors(guard, plan, evidence)
    if guard.name == "latency_p99" and evidence.latency:
        return _latency(guard, plan, evidence.latency)
    loss = evidence.losses[guard.name]
    return msgspec.structs.replace(_loss(guard, plan, loss.mean), unusable=loss.unusable)


def _errors(guard: Guard, plan: Plan, evidence: Evidence) -> GuardEvidence:
    rates = evidence.errors
    (events, answers), (_, stable) = rates.candidate, rates.stable
    if answers == 0:
        return _open(guard, plan, answers, stable)
    shares = _fair_shares(evidence)
    compared = evidence.stable is not None
    worse = rates.log_e_worse(shares=shares) if compared else 0.0
    return GuardEvidence(
        guard=guard.name,
        standing=_decide(worse, rates.log_e_harmless(guard.margin), plan),
        stable=rates.stable_rate(),
        candidate=events / answers,
        stable_count=stable,
        candidate_count=answers,
        difference=rates.difference(),
        lower=rates.lower(_strict(plan), shares) if compared else None,
        upper=rates.upper(plan.alpha),
        margin=guard.margin,
        e_value=_value(worse),
        threshold=_threshold(plan),
        unit=FRACTION,
    )


def _latency(guard: Guard, plan: Plan, tail: TailLatency) -> GuardEvidence:
    ratio, reference = tail.ratios.value(), tail.reference
    if ratio is None or reference is None:
        return _open(guard, plan, tail.ratios.count, tail.stable)
    worse = tail.slow.log_e_worse()
    lower, upper = tail.ratios.lower(_strict(plan)), tail.ratios.upper(plan.alpha)
    return GuardEvidence(
        guard=guard.name,
        standing=_decide(worse, tail.ratios.log_e_below(), plan),
        stable=reference,
        candidate=ratio * reference,
        stable_count=tail.stable,
        candidate_count=tail.ratios.count,
        difference=(ratio - 1.0) * reference,
        lower=None if lower is None else (lower - 1.0) * reference,
        upper=None if upper is None else (upper - 1.0) * reference,
        margin=guard.margin,
        e_value=_value(worse),
        threshold=_threshold(plan),
        unit=SECONDS,
    )


def _loss(guard: Guard, plan: Plan, mean: MeanDifference) -> GuardEvidence:
    if not mean.ready:
        return _open(guard, plan, mean.candidate, mean.stable)
    worse, stable, difference = mean.log_e_worse(), mean.stable_mean(), mean.difference()
    return GuardEvidence(
        guard=guard.name,
        standing=_decide(worse, mean.log_e_harmless(), plan),
        stable=stable,
        candidate=stable + difference,
        stable_count=mean.stable,
        candidate_count=mean.candidate,
        difference=difference,
        lower=mean.lower(_strict(plan)),
        upper=mean.upper(plan.alpha),
        margin=guard.margin,
        e_value=_value(worse),
        threshold=_threshold(plan),
        unit=FRACTION if guard.name == "error_rate" else "",
    )


def _open(guard: Guard, plan: Plan, candidate: int, stable: int) -> GuardEvidence:
    """Too little was seen to say anything."""
    return GuardEvidence(
        guard=guard.name,
        standing="open",
        stable_count=stable,
        candidate_count=candidate,
        margin=guard.margin,
        threshold=_threshold(plan),
    )


def _fair_shares(evidence: Evidence) -> dict[float, float] | None:
    """Where the router gave the candidate more than configured, what it gave.

    Else its errors would seem too many, and a healthy version would be rolled back for a fault of
    the split.
    """
    if worst_split(evidence) is None:
        return None
    measured = measured_shares(evidence.errors.by_share)
    return {share: max(share, found) for share, found in measured.items()}


def _decide(worse: float, harmless: float, plan: Plan) -> Standing:
    if worse >= math.log(_threshold(plan)):
        return "worse"
    return "not-worse" if harmless >= -math.log(plan.alpha) else "open"


def _strict(plan: Plan) -> float:
    return plan.alpha / len(plan.guards)


def _threshold(plan: Plan) -> float:
    return len(plan.guards) / plan.alpha


def _value(log: float) -> float:
    return math.exp(min(log, LARGEST))


__all__ = ["standings", "worst_split"]
