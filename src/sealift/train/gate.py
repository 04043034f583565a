"""Whether a model is good enough to be registered."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping

from sealift.errors import ProjectError
from sealift.record.shape import nearest

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    "<": operator.lt,
    ">=": operator.ge,
    ">": operator.gt,
    "==": operator.eq,
}


def failures(
    metrics: Mapping[str, float],
    require: Mapping[str, str],
    *,
    where: str = "sealift.toml: model.require",
) -> list[str]:
    """The gates that the metrics miss, each as a phrase; none when all are met.

    ``require`` maps metrics to comparisons such as ``<= 30``, as the project file holds them at
    ``where``.
    Raises ``ProjectError`` for a metric that no step wrote.

    >>> failures({"mae": 31.5, "r2": 0.8}, {"mae": "<= 30", "r2": "> 0.5"})
    ['mae is 31.5, not <= 30']
    """
    missed = []
    for name, gate in require.items():
        if name not in metrics:
            raise ProjectError(
                f"A metric {name!r} is required, but no step wrote it.",
                where=f"{where}.{name}",
                remedy=nearest(name, metrics, "Write it to the output 'metrics' of a step."),
            )
        if not holds(metrics[name], gate, where=where):
            sign, number = _parse(gate, where)
            missed.append(f"{name} is {metrics[name]:g}, not {sign} {number:g}")
    return missed


def holds(value: float, gate: str, *, where: str = "sealift.toml: model") -> bool:
    """Whether a number is what a gate wants.

    >>> holds(0.7, ">= 0.7"), holds(31.5, "<= 30")
    (True, False)
    """
    sign, number = _parse(gate, where)
    return _COMPARE[sign](value, number)


def _parse(gate: str, where: str) -> tuple[str, float]:
    found = re.fullmatch(r" *(<=|<|>=|>|==)(.*)", gate)
    if found is None:
        raise ProjectError(
            f"{gate!r} is no comparison.",
            where=where,
            remedy="Write one of <=, <, >=, >, == and a number, such as '<= 30'.",
        )
    return found[1], float(found[2])


__all__ = ["failures", "holds"]
