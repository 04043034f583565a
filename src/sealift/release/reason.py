"""Verdicts in words: one sentence, with the numbers that matter."""

from __future__ import annotations

from collections.abc import Iterable

from sealift.record.release import GuardEvidence, Plan
from sealift.release.plan import ABSOLUTE

LABELLED = ("mae", "mse", "error_rate")


def worse(guard: GuardEvidence, candidate: int, stable: int | None) -> str:
    """Why a release is rolled back.

    >>> worse(GuardEvidence(guard="mae", standing="worse", stable=23.0, candidate=27.1,
    ...     stable_count=10_900, candidate_count=1_204, difference=4.1, lower=2.0, upper=6.6,
    ...     margin=0.05, e_value=812.0, threshold=60.0), 3, 2)
    "mae of model 3 is worse than model 2's by 4.1 (at least 2): 27.1 against 23 over 1,204 \
and 10,900 labelled predictions."
    """
    name, counts = guard.guard, f"{guard.candidate_count:,} and {guard.stable_count:,}"
    verb = "are" if name == "errors" else "is"
    head = f"{name} of model {candidate} {verb} worse than model {stable}'s"
    now, before = guard.candidate or 0.0, guard.stable or 0.0
    if name == "errors":
        return f"{head}: {failures(guard)}{at_least(guard)}; {evidence(guard)}."
    if name == "latency_p99":
        values = f"{now:.3g} s against {before:.3g} s, margin {100 * guard.margin:g}%"
        return f"{head}: {values}, over {counts} answers; {evidence(guard)}."
    unit, scale = (" points", 100.0) if name in ABSOLUTE else ("", 1.0)
    most, least = scale * (guard.difference or 0.0), scale * (guard.lower or 0.0)
    by = f"{most:.3g}{unit} (at least {least:.3g})"
    values = f"{scale * now:.3g} against {scale * before:.3g}"
    return f"{head} by {by}: {values} over {counts} labelled predictions."


def harmless(guards: Iterable[GuardEvidence], candidate: int, stable: int | None) -> str:
    """Why a release is promoted."""
    parts = "; ".join(bound(guard) for guard in guards)
    than = f"model {stable}" if stable is not None else "its margins"
    return f"Model {candidate} is proven not worse than {than}: {parts}."


def still_open(guards: Iterable[GuardEvidence]) -> str:
    """What is not proven yet."""
    parts = "; ".join(bound(guard) for guard in guards if guard.standing == "open")
    return f"not proven yet: {parts}" if parts else "every guard is proven not worse"


def progress(plan: Plan, stage: int, share: float, answers: int, candidate: int) -> str:
    """How far a stage is."""
    return (
        f"stage {stage + 1} of {len(plan.stages)} ({100 * share:g}%) has seen {answers:,} of "
        f"{plan.stage_requests:,} answers of model {candidate}"
    )


def wrong_split(configured: float, measured: float) -> str:
    """Why nothing is promoted although the guards would let it.

    >>> wrong_split(0.1, 0.22)
    'the measured share 22% is not the configured 10%, so that nothing is promoted'
    """
    return (
        f"the measured share {100 * measured:.3g}% is not the configured {100 * configured:g}%, "
        "so that nothing is promoted"
    )


def bound(guard: GuardEvidence) -> str:
    """How much worse the candidate can be at most, and what could not be judged.

    >>> bound(GuardEvidence(guard="errors", standing="not-worse", stable=0.0, candidate=0.0,
    ...     stable_count=1_198, candidate_count=1_204, difference=0.0, upper=0.0041, margin=0.005))
    'errors: 0 of 1,204 failed against 0%, at most 0.41 points worse, margin 0.5'
    """
    return _bound(guard) + left_out(guard)


def left_out(guard: GuardEvidence) -> str:
    """What a guard could not be worked out from, and why; empty when there is nothing.

    >>> left_out(GuardEvidence(guard="mae", standing="open", margin=0.05, unusable=1_204))
    ' (1,204 labelled predictions left out: mae needs numbers, and label or prediction is none)'
    """
    if not guard.unusable:
        return ""
    return (
        f" ({guard.unusable:,} labelled predictions left out: {guard.guard} needs numbers, and "
        "label or prediction is none)"
    )


def _bound(guard: GuardEvidence) -> str:
    if guard.upper is None:
        return f"{guard.guard}: {seen(guard)}"
    if guard.guard in ABSOLUTE:
        most, unit = 100 * guard.upper, " points"
    elif guard.stable:
        most, unit = 100 * guard.upper / guard.stable, "%"
    else:
        most, unit = guard.upper, ""
    size = f"{abs(most):,.0f}" if abs(most) >= 100 else f"{abs(most):.2g}"
    said = f"at most {size}{unit} worse" if most >= 0 else f"at least {size}{unit} better"
    margin = f"margin {100 * guard.margin:g}" + ("%" if guard.guard not in ABSOLUTE else "")
    if guard.guard == "errors":
        return f"errors: {failures(guard)}, {said}, {margin}"
    return f"{guard.guard}: {said}, {margin}"


def seen(guard: GuardEvidence) -> str:
    """What there is where there is too little."""
    things = "labelled predictions" if guard.guard in LABELLED else "answers"
    return f"too few {things} yet ({guard.candidate_count:,} and {guard.stable_count:,})"


def failures(guard: GuardEvidence) -> str:
    """Counts of the candidate against the rate of the stable version."""
    events = round((guard.candidate or 0.0) * guard.candidate_count)
    against = "" if guard.stable is None else f" against {100 * guard.stable:.2g}%"
    return f"{events:,} of {guard.candidate_count:,} failed{against}"


def at_least(guard: GuardEvidence) -> str:
    """The lower bound of a worsening in points, where it says something."""
    if guard.lower is None or guard.lower <= 0:
        return ""
    return f", at least {100 * guard.lower:.2g} points worse"


def evidence(guard: GuardEvidence) -> str:
    """The evidence and what was asked of it."""
    return f"evidence {guard.e_value or 0.0:.3g}, {guard.threshold or 0.0:.3g} needed"


__all__ = ["bound", "harmless", "left_out", "progress", "still_open", "worse", "wrong_split"]
