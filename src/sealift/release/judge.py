"""The verdict on a release from what was seen: a pure function, no clock, no file, no network.

Worse in any guarded respect: roll back, at once. Not worse in every one, in the last stage:
promote. Enough answers of the candidate in a stage and nothing worse: on to the next. Neither by
the limit: undecided. No data is a reason for none of the first three. It may be asked after every
observation and as often as one likes: the evidence is valid at every moment
(``sealift.release.standing``).
"""

from __future__ import annotations

from sealift.record.release import GuardEvidence, Plan, Verdict
from sealift.release import reason
from sealift.release.evidence import Evidence
from sealift.release.standing import standings, worst_split

Guards = tuple[GuardEvidence, ...]


def judge(plan: Plan, evidence: Evidence, *, stage: int, elapsed: float) -> Verdict:
    """What to do now, and why.

    ``stage`` counts from 0; ``elapsed`` is in seconds since the release began.
    """
    guards = standings(plan, evidence)
    worse = [guard for guard in guards if guard.standing == "worse"]
    if worse:
        text = reason.worse(worse[0], evidence.candidate, evidence.stable)
        return Verdict(decision="rollback", reason=text, evidence=guards)
    if plan.stages and _proven(plan, evidence, guards, stage):
        text = reason.harmless(guards, evidence.candidate, evidence.stable)
        return Verdict(decision="promote", reason=text, evidence=guards)
    standing = _standing(plan, evidence, guards, stage)
    if elapsed >= plan.limit:
        text = f"Undecided after {plan.limit:,.0f} s: {standing}."
        return Verdict(decision="undecided", reason=text, evidence=guards)
    advances = stage < len(plan.stages) - 1 and _enough(plan, evidence, stage)
    text = standing[0].upper() + standing[1:] + "."
    return Verdict(decision="advance" if advances else "continue", reason=text, evidence=guards)


def _proven(plan: Plan, evidence: Evidence, guards: Guards, stage: int) -> bool:
    """Whether everything that promotion takes is there."""
    return (
        stage >= len(plan.stages) - 1
        and _enough(plan, evidence, stage)
        and all(guard.standing == "not-worse" for guard in guards)
        and worst_split(evidence) is None
    )


def _enough(plan: Plan, evidence: Evidence, stage: int) -> bool:
    """Whether the stage has seen the answers of the candidate that it must see."""
    return evidence.answers(_share(plan, stage)) >= plan.stage_requests


def _share(plan: Plan, stage: int) -> float:
    return plan.stages[min(stage, len(plan.stages) - 1)]


def _standing(plan: Plan, evidence: Evidence, guards: Guards, stage: int) -> str:
    """How things stand when there is nothing to roll back or to promote."""
    if not plan.stages:
        return "a blue-green release has no second version to compare with"
    share = _share(plan, stage)
    parts = [
        reason.progress(plan, stage, share, evidence.answers(share), evidence.candidate),
        reason.still_open(guards),
    ]
    split = worst_split(evidence)
    if split is not None:
        parts.insert(0, reason.wrong_split(*split))
    return "; ".join(parts)


__all__ = ["judge"]
