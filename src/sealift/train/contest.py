"""Whether a model may take an alias: by itself, beside who has it, and in its worst group."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sealift.record.gate import Against, AliasGates, Slice
from sealift.record.mark import Verdict
from sealift.stats.bounds import FEWEST, mean_bounds
from sealift.train.gate import holds
from sealift.train.scores import ID, Scores

ALPHA = 0.05
"""Probability at most that an interval does not hold the true difference."""


@dataclass(frozen=True)
class Contender:
    """A model as gates see it; ``scores`` are None where they are not kept here."""

    version: int
    metrics: Mapping[str, float]
    scores: Scores | None = None


def judge(gates: AliasGates, new: Contender, old: Contender | None) -> tuple[Verdict, ...]:
    """What each gate says of ``new``; ``old`` has the alias now, if any model has.

    Raises ``DataError`` for scores that cannot be read as the gates want them.

    >>> gates = AliasGates(require={"mae": "<= 30"})
    >>> [verdict.found for verdict in judge(gates, Contender(2, {"mae": 31.0}), None)]
    ['31']
    """
    return (
        *_absolute(gates.require, new),
        *(_against(name, one, new, old) for name, one in gates.against.items()),
        *(_slice(one, new) for one in gates.slices),
    )


def _absolute(require: Mapping[str, str], new: Contender) -> Iterator[Verdict]:
    for name, gate in require.items():
        value = new.metrics.get(name)
        found = "the model has no such metric" if value is None else f"{value:.6g}"
        passed = value is not None and holds(value, gate)
        yield Verdict(gate=f"{name} {gate.strip()}", passed=passed, found=found)


def _against(name: str, one: Against, new: Contender, old: Contender | None) -> Verdict:
    if old is None or old.version == new.version:
        gate = f"{name} against the holder {one.difference.strip()}"
        return Verdict(gate=gate, passed=True, found="no other model has the alias")
    gate = f"{name} against model {old.version} {one.difference.strip()}"
    if one.score:
        return _measured(gate, one, new, old)
    if name not in new.metrics or name not in old.metrics:
        lacking = new.version if name not in new.metrics else old.version
        return Verdict(gate=gate, passed=False, found=f"model {lacking} has no such metric")
    apart = new.metrics[name] - old.metrics[name]
    found = f"{apart:+.6g}, with an uncertainty that is not known"
    return Verdict(gate=gate, passed=holds(apart, one.difference), found=found)


def _measured(gate: str, one: Against, new: Contender, old: Contender) -> Verdict:
    """By scores row by row: the difference of means, at the worse end of its interval."""
    if new.scores is None or old.scores is None:
        lacking = new.version if new.scores is None else old.version
        return Verdict(gate=gate, passed=False, found=f"no scores of model {lacking} are here")
    apart, bounds, how = difference(new.scores, old.scores, one.score)
    if bounds is None:
        return Verdict(gate=gate, passed=False, found=f"{how}: too few to tell, {FEWEST} will do")
    found = f"{apart:+.6g}, between {bounds[0]:+.6g} and {bounds[1]:+.6g} ({how})"
    passed = all(holds(bound, one.difference) for bound in bounds)
    return Verdict(gate=gate, passed=passed, found=found)


def difference(
    new: Scores, old: Scores, column: str
) -> tuple[float, tuple[float, float] | None, str]:
    """How much larger the mean of a score became, between what bounds, and how that was found.

    Lines about the same row are compared as pairs where both tables have a column ``id``; else
    the means of both are bounded, each at half of ``ALPHA``. No bounds for too few rows.
    """
    after, before = new.numbers(column), old.numbers(column)
    if pairs := _pairs(new, old, after, before):
        apart = [late - early for late, early in pairs]
        mean = statistics.fmean(apart)
        return mean, _bounds(apart, ALPHA), f"{len(pairs)} rows in pairs"
    mean = statistics.fmean(after) - statistics.fmean(before)
    how = f"{len(after)} and {len(before)} rows, not in pairs"
    late, early = _bounds(after, ALPHA / 2), _bounds(before, ALPHA / 2)
    if late is None or early is None:
        return mean, None, how
    return mean, (late[0] - early[1], late[1] - early[0]), how


def _pairs(
    new: Scores, old: Scores, after: Sequence[float], before: Sequence[float]
) -> list[tuple[float, float]]:
    if ID not in new.columns or ID not in old.columns:
        return []
    known = dict(zip(old.columns[ID], before, strict=True))
    late = dict(zip(new.columns[ID], after, strict=True))
    if len(known) < len(before) or len(late) < len(after):
        return []  # an id that stands twice makes no pairs
    return [(value, known[name]) for name, value in late.items() if name in known]


def _bounds(values: Sequence[float], alpha: float) -> tuple[float, float] | None:
    if len(values) < FEWEST:
        return None
    deviation = math.sqrt(statistics.variance(values))
    return mean_bounds(statistics.fmean(values), deviation, len(values), alpha)


def _slice(one: Slice, new: Contender) -> Verdict:
    gate = f"{one.score} by {one.by} {one.require.strip()}"
    if new.scores is None:
        found = f"no scores of model {new.version} are here"
        return Verdict(gate=gate, passed=False, found=found)
    groups: dict[str, list[float]] = {}
    for name, value in zip(new.scores.texts(one.by), new.scores.numbers(one.score), strict=True):
        groups.setdefault(name, []).append(value)
    means = {
        name: statistics.fmean(values) for name, values in groups.items() if len(values) >= one.rows
    }
    small = len(groups) - len(means)
    left = f"; {small} groups of less than {one.rows} rows are not judged" if small else ""
    if not means:
        return Verdict(gate=gate, passed=False, found=f"no group has {one.rows} rows")
    failing = {name: mean for name, mean in means.items() if not holds(mean, one.require)}
    rising = one.require.strip().startswith("<")
    worst = sorted(failing or means, key=lambda name: means[name], reverse=rising)
    told = ", ".join(f"{name} {means[name]:.6g}" for name in worst[: 5 if failing else 1])
    found = f"{'missed by' if failing else 'worst'}: {told}{left}"
    return Verdict(gate=gate, passed=not failing, found=found)


__all__ = ["ALPHA", "Contender", "difference", "judge"]
