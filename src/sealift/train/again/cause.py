"""Why an output came out different, as far as that can be told."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sealift.record import graph
from sealift.record.project import Step
from sealift.record.run import Machine
from sealift.train.again.gap import Gap

_DAY = 86_400
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}|\d{2}:\d{2}:\d{2}|\d{1,2} \w{3} \d{4}")
_UNIT = (1.0, 1e3, 1e6, 1e9)
"""Units of a second in which clocks count: s, ms, us, ns."""


def causes(
    step: Step,
    gaps: Sequence[Gap],
    *,
    steady: bool,
    machines: tuple[Machine, Machine],
    times: tuple[float, float],
    unlike: Sequence[str],
) -> tuple[str, ...]:
    """The likely causes, the surest first; one at least.

    ``steady`` says that a second repetition gave the same bytes as the first: then the step itself
    is deterministic, and what it runs on is not the same. ``machines`` and ``times`` are those of
    the run and of its repetition.
    """
    found = list(unlike)
    if any(_told_time(gap, times) for gap in gaps):
        found.append("it writes the time: leave it out, or take it from SOURCE_DATE_EPOCH")
    if step.network:
        found.append("it may reach the network: what it reads there is not pinned")
    found += _machines(*machines) if steady else _itself(step, clear=bool(found))
    return tuple(found) or ("no cause is known: the same step gave other bytes on a like machine",)


def _machines(then: Machine, now: Machine) -> Iterator[str]:
    """What differs in the machines, which numeric code may depend on."""
    if then.cpu != now.cpu:
        yield (
            f"the processor is another ({now.cpu}, not {then.cpu}): libraries choose other "
            "instructions, which round in another order"
        )
    if then.cores != now.cores:
        yield f"there are {now.cores} cores, not {then.cores}: sums over threads round otherwise"
    if then.system.split()[-1:] != now.system.split()[-1:]:
        yield f"the system is another ({now.system}, not {then.system})"


def _itself(step: Step, *, clear: bool) -> Iterator[str]:
    """Why a step may differ from one time to the next."""
    if step.cpus >= 2:
        yield f"it uses {int(step.cpus)} threads, whose order may vary: try cpus = 1"
    if graph.SEED not in step.params and not clear:
        yield (
            "it differs from one time to the next, and has no seed: add params = { seed = 0 } and "
            "take SEALIFT_SEED in the command"
        )
    elif not clear:
        yield "it differs from one time to the next, in spite of its seed"


def _told_time(gap: Gap, times: tuple[float, float]) -> bool:
    return any(_are_times(old, new, times) for old, new in gap.texts)


def _are_times(old: str, new: str, times: tuple[float, float]) -> bool:
    """Whether two texts are moments near those of the two executions.

    >>> _are_times("1700000000.5", "1700000900", (1.7e9, 1.7e9 + 900))
    True
    >>> _are_times("made 2026-11-21", "made 2026-11-22", (0.0, 0.0))
    True
    >>> _are_times("12.5", "12.6", (1.7e9, 1.7e9 + 900))
    False
    """
    if _DATE.search(old) and _DATE.search(new):
        return _DATE.sub("", old) == _DATE.sub("", new) or len(old) < 200
    try:
        moments = float(old), float(new)
    except ValueError:
        return False
    return any(
        all(abs(moment / unit - time) < _DAY for moment, time in zip(moments, times, strict=True))
        for unit in _UNIT
    )


__all__ = ["causes"]
