"""Why an output came out different, as far as that can be told."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sealift.record import command, graph
from sealift.record.project import Step
from sealift.record.run import Machine
from sealift.train.again.gap import Gap

_DAY = 86_400
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}|\d{2}:\d{2}:\d{2}|\d{1,2} \w{3} \d{4}")
_MOMENT = re.compile(r"\d{9,}(?:\.\d+)?")
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
    only_then, only_now = (
        sorted({*one.instructions} - {*other.instructions})
        for one, other in ((then, now), (now, then))
    )
    if then.instructions and now.instructions and (only_then or only_now):
        yield (
            f"the instruction set is another: {', '.join(only_now) or 'nothing'} here alone, "
            f"{', '.join(only_then) or 'nothing'} there alone; libraries round by what they use"
        )
    if then.cores != now.cores:
        yield f"there are {now.cores} cores, not {then.cores}: sums over threads round otherwise"
    if (then.gpus, then.driver) != (now.gpus, now.driver):
        yield f"its graphics cards are others ({_cards(now)}, not {_cards(then)})"
    if then.system.split()[-1:] != now.system.split()[-1:]:
        yield f"the system is another ({now.system}, not {then.system})"


def _cards(machine: Machine) -> str:
    """Its graphics cards and their driver in words."""
    if not machine.gpus:
        return "none"
    return f"{' and '.join(machine.gpus)} with driver {machine.driver or 'unknown'}"


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
        yield f"it differs from one time to the next, in spite of its seed{_unused(step)}"


def _unused(step: Step) -> str:
    """What to look at where a command does not name the seed that it has."""
    named = graph.SEED in command.names(step.run) or "SEALIFT_SEED" in step.run
    return "" if named else ", which its command does not name: does the code take SEALIFT_SEED?"


def _told_time(gap: Gap, times: tuple[float, float]) -> bool:
    return any(_are_times(old, new, times) for old, new in gap.texts)


def _are_times(old: str, new: str, times: tuple[float, float]) -> bool:
    """Whether two texts are moments near those of the two executions.

    >>> _are_times("1700000000.5", "1700000900", (1.7e9, 1.7e9 + 900))
    True
    >>> _are_times("made 2026-11-21", "made 2026-11-22", (0.0, 0.0))
    True
    >>> _are_times("at 1700000000123, well", "at 1700000900456, well", (1.7e9, 1.7e9 + 900))
    True
    >>> _are_times("12.5", "12.6", (1.7e9, 1.7e9 + 900))
    False
    """
    if _DATE.search(old) and _DATE.search(new):
        return _DATE.sub("", old) == _DATE.sub("", new) or len(old) < 200
    moments = list(zip(_MOMENT.findall(old), _MOMENT.findall(new), strict=False))
    return any(
        one != other
        and abs(float(one) / unit - then) < _DAY
        and abs(float(other) / unit - now) < _DAY
        for one, other in moments
        for unit in _UNIT
        for then, now in [times]
    )


__all__ = ["causes"]
