"""From what the user wrote to the plan of a release."""

from __future__ import annotations

import re
from itertools import pairwise

from sealift.errors import ProjectError
from sealift.record.project import ReleaseSettings
from sealift.record.release import Guard, Plan

DEFAULT_ERRORS = 0.01
"""The margin of errors where the user gives none."""

ORDER = ("errors", "latency_p99", "mae", "mse", "error_rate")
ABSOLUTE = ("errors", "error_rate")
"""Guards whose margin is in fractions of all answers; that of the others is relative."""


def plan(settings: ReleaseSettings) -> Plan:
    """The plan: shares as fractions, margins as numbers, errors always guarded.

    Raises ``ProjectError`` that names the key and its value.

    >>> plan(ReleaseSettings()).stages
    (0.1, 0.5)
    """
    canary = settings.strategy == "canary"
    if not 0.0 < settings.alpha < 0.5:
        raise _wrong(
            "alpha", settings.alpha, "must lie between 0 and 0.5", "Use a value such as 0.05."
        )
    return Plan(
        strategy=settings.strategy,
        stages=_stages(settings.stages) if canary else (),
        guards=_guards(settings),
        stage_requests=settings.stage_requests,
        alpha=settings.alpha,
        limit=float(settings.limit),
        undecided=settings.undecided,
    )


def _stages(percents: list[int]) -> tuple[float, ...]:
    if not percents:
        raise _wrong(
            "stages", percents, "is empty", "Give the candidate's shares, such as [10, 50]."
        )
    if any(not 1 <= percent <= 99 for percent in percents):
        raise _wrong(
            "stages",
            percents,
            "holds a share outside 1 to 99 percent",
            "Both versions must get traffic to be compared; promotion brings the full share.",
        )
    if any(later <= earlier for earlier, later in pairwise(percents)):
        raise _wrong("stages", percents, "does not grow", "Order the shares: [10, 50].")
    return tuple(percent / 100 for percent in percents)


def _guards(settings: ReleaseSettings) -> tuple[Guard, ...]:
    margins = {"errors": DEFAULT_ERRORS}
    for name, guard in settings.guard.items():
        margins[name] = _margin(f"guard.{name}.margin", guard.margin, name in ABSOLUTE)
    return tuple(Guard(name=name, margin=margins[name]) for name in ORDER if name in margins)


def _margin(key: str, text: str, absolute: bool) -> float:
    if not re.fullmatch(r"\d+(\.\d+)?%", text):
        raise _wrong(key, text, "is not a percentage", "Write it as '0.5%' or '20%'.")
    margin = float(text[:-1]) / 100
    if margin == 0:
        raise _wrong(
            key,
            text,
            "leaves no room",
            "No number of answers can prove two versions exactly equal; use '0.1%' or more.",
        )
    if absolute and margin >= 1:
        raise _wrong(
            key, text, "allows every answer to fail", "Give percentage points below 100, as '1%'."
        )
    return margin


def _wrong(key: str, value: object, what: str, remedy: str) -> ProjectError:
    return ProjectError(
        f"release.{key} = {value!r} {what}.", where="sealift.toml [release]", remedy=remedy
    )


__all__ = ["ABSOLUTE", "plan"]
