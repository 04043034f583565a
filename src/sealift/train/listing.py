"""Runs as a table: their columns, which of them are wanted, and in what order."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sealift.errors import UsageError
from sealift.record.mark import Marks
from sealift.record.run import Run
from sealift.record.shape import nearest
from sealift.types import Scalar

Row = dict[str, Scalar]
"""The columns of a run that have a value."""

UNMARKED = Marks(())
"""Nobody said anything."""

_CONDITION = re.compile(r"\s*([^\s<>=!~]+)\s*(<=|>=|!=|==|=|<|>|~)\s*(.*?)\s*", re.S)
_ORDERS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Condition:
    """What a column must be: ``mae < 30``, ``status = done``, ``comment ~ text`` (contains)."""

    column: str
    sign: str
    value: str

    def holds(self, row: Row) -> bool:
        """Whether a run is wanted; one without the column is not, unless by ``!=``.

        >>> Condition("mae", "<", "30").holds({"mae": 25.5})
        True
        >>> Condition("status", "!=", "done").holds({"status": "failed"})
        True
        """
        found = row.get(self.column)
        if found is None:
            return self.sign == "!="
        if self.sign == "~":
            return self.value.lower() in _text(found).lower()
        if self.sign in _ORDERS:
            left, right = _number(found), _number(self.value)
            return left is not None and right is not None and _ORDERS[self.sign](left, right)
        return _same(found, self.value) != (self.sign == "!=")


def condition(text: str) -> Condition:
    """A condition as it is written; raises ``UsageError`` for anything else.

    >>> condition("train.depth >= 6")
    Condition(column='train.depth', sign='>=', value='6')
    """
    found = _CONDITION.fullmatch(text)
    if found is None:
        raise UsageError(
            f"{text!r} is not a condition.",
            remedy="Write a column, a sign and a value: 'mae < 30', 'status = done', 'user ~ an'.",
        )
    sign = "=" if found[2] == "==" else found[2]
    if sign in _ORDERS and _number(found[3]) is None:
        raise UsageError(
            f"{found[3]!r} is not a number.", where=text, remedy="Compare texts by =, != or ~."
        )
    quoted = re.fullmatch(r"""(["'])(.*)\1""", found[3], re.S)
    return Condition(found[1], sign, quoted[2] if quoted else found[3])


def columns(run: Run, metrics: Collection[str] = ()) -> Row:
    """A run as one row: what is always there, then parameters ("train.depth"), then metrics.

    A parameter's bare name is a column too where only one step has it and no metric is called so,
    of this run or among ``metrics``, those of others.
    """
    row: Row = {
        "run": run.id,
        "status": run.status,
        "started": run.started,
        "user": run.user,
        "commit": run.code.commit,
        "code": run.code.digest,
        "image": run.image,
        "comment": run.comment,
    }
    if run.finished is not None:
        row["seconds"] = run.finished - run.started
    if run.model is not None:
        row["model"] = run.model
    named = [(name, value) for params in run.params.values() for name, value in params.items()]
    bare = [name for name, _ in named]
    row |= {
        f"{step}.{name}": v for step, params in run.params.items() for name, v in params.items()
    }
    taken = {*row, *metrics}
    row |= {name: value for name, value in named if bare.count(name) == 1 and name not in taken}
    return row | run.metrics


def said(run: Run, marks: Marks) -> Row:
    """What people said of a run, as columns: ``tags.NAME``, the number of ``notes``, ``parent``."""
    row: Row = {f"tags.{name}": value for name, value in marks.tags("run", run.id).items()}
    if notes := marks.notes("run", run.id):
        row["notes"] = len(notes)
    if parents := marks.parents(run.id):
        row["parent"] = " ".join(parents)
    return row


def table(runs: Iterable[Run], marks: Marks) -> list[tuple[Run, Row]]:
    """Runs with their rows; a column means the same in all of them."""
    listed = list(runs)
    metrics = {name for run in listed for name in run.metrics}
    return [(run, columns(run, metrics) | said(run, marks)) for run in listed]


def select(
    runs: Iterable[Run],
    conditions: Sequence[Condition],
    sort: str = "",
    *,
    falling: bool = False,
    marks: Marks = UNMARKED,
) -> list[Run]:
    """The runs for which all conditions hold, sorted by a column if one is named.

    Runs without that column come last, in the order they came. Raises ``UsageError`` for a column
    that no run has.
    """
    rows = table(runs, marks)
    known = {name for _, row in rows for name in row}
    for name in [*(one.column for one in conditions), *([sort] if sort else [])]:
        if rows and name not in known:
            raise UsageError(
                f"No run has a column {name!r}.",
                remedy=nearest(name, known, f"There are: {', '.join(sorted(known))}."),
            )
    kept = [(run, row) for run, row in rows if all(one.holds(row) for one in conditions)]
    if not sort:
        return [run for run, _ in kept]
    having = [(run, row) for run, row in kept if sort in row]
    having.sort(key=lambda pair: _rank(pair[1][sort]), reverse=falling)
    return [run for run, _ in having] + [run for run, row in kept if sort not in row]


def _rank(value: Scalar) -> tuple[int, float, str]:
    """Numbers before texts, each in its own order."""
    number = _number(value)
    return (1, 0.0, _text(value)) if number is None else (0, number, "")


def _number(value: Scalar) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return None if math.isnan(number) else number


def _same(found: Scalar, wanted: str) -> bool:
    number = _number(wanted)
    if number is not None and not isinstance(found, str):
        return float(found) == number
    return _text(found) == wanted


def _text(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


__all__ = ["Condition", "Row", "columns", "condition", "said", "select", "table"]
