"""What a measure found: one number for ours, one for each rival, and every sample behind them."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

ROOT = Path(__file__).parent


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One measure of one run; numbers are medians of ``samples`` in ``unit``.

    ``limit`` is the worst value that ours may have, in ``unit``, and ``rule`` says where it comes
    from. ``absent`` says of each rival without a number why it has none.
    """

    measure: str
    unit: str
    better: Literal["less", "more"]
    ours: float | None
    rivals: dict[str, float]
    limit: float | None
    rule: str
    repeats: int
    machine: str
    commit: str
    date: str
    samples: dict[str, list[float]]
    absent: dict[str, str]


class Where(msgspec.Struct, frozen=True, kw_only=True):
    """What all results of a run have in common."""

    machine: str
    commit: str
    date: str


def summary(samples: Sequence[float]) -> float:
    """The number that stands for samples: their median.

    >>> summary([3.0, 1.0, 8.0])
    3.0
    """
    return statistics.median(samples)


def result(
    measure: str,
    samples: dict[str, list[float]],
    where: Where,
    *,
    unit: str = "s",
    better: Literal["less", "more"] = "less",
    limit: float | None = None,
    rule: str = "",
    absent: dict[str, str] | None = None,
) -> Result:
    """A result from the samples of ``"ours"`` and of each rival; who has none is left out."""
    numbers = {name: summary(found) for name, found in samples.items() if found}
    return Result(
        measure=measure,
        unit=unit,
        better=better,
        ours=numbers.pop("ours", None),
        rivals=numbers,
        limit=limit,
        rule=rule,
        repeats=max((len(found) for found in samples.values()), default=0),
        machine=where.machine,
        commit=where.commit,
        date=where.date,
        samples={name: [round(one, 6) for one in found] for name, found in samples.items()},
        absent=absent or {},
    )


def keeps(one: Result) -> bool | None:
    """Whether ours is within its limit; None where there is no limit, or no number."""
    if one.limit is None or one.ours is None:
        return None
    return one.ours <= one.limit if one.better == "less" else one.ours >= one.limit


def ratio(one: Result, rival: str) -> float | None:
    """The value of a rival as a multiple of ours; None where ours is zero or missing."""
    return one.rivals[rival] / one.ours if one.ours else None


def folder(stage: str) -> Path:
    """Where the results of a stage are kept."""
    return ROOT / stage / "results"


def save(stage: str, name: str, results: Sequence[Result]) -> Path:
    """Keep the results of one group of measures, for people to read and compare."""
    path = folder(stage) / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(list(results)), indent=1) + b"\n")
    return path


def load(stage: str) -> dict[str, list[Result]]:
    """The kept results of a stage by the name of their group."""
    return {
        path.stem: msgspec.json.decode(path.read_bytes(), type=list[Result])
        for path in sorted(folder(stage).glob("*.json"))
    }


__all__ = ["Result", "Where", "folder", "keeps", "load", "ratio", "result", "save", "summary"]
