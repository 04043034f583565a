"""The numbers that steps write to their output ``metrics``."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from sealift.errors import StepError


def read(path: Path, *, step: str) -> dict[str, float]:
    """The numbers of a metrics file; nested tables are flattened, with dots between the names.

    Raises ``StepError`` for anything but a JSON object of finite numbers.
    """
    where = f"{step}.metrics"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except IsADirectoryError as error:
        raise _wrong("is a folder, not a JSON file", where) from error
    except (ValueError, RecursionError) as error:
        raise _wrong(f"is not JSON: {error}", where) from error
    if not isinstance(found, dict):
        raise _wrong("is not a JSON object", where)
    return dict(_flat(found, "", where))


def merge(by_step: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """The metrics of a run; where two steps wrote the same name, each gets its step's before it.

    >>> merge({"train": {"mae": 1.0, "rows": 5.0}, "test": {"mae": 2.0}})
    {'train.mae': 1.0, 'rows': 5.0, 'test.mae': 2.0}
    """
    count = Counter(name for metrics in by_step.values() for name in metrics)
    return {
        (name if count[name] == 1 else f"{step}.{name}"): value
        for step, metrics in by_step.items()
        for name, value in metrics.items()
    }


def _flat(table: Mapping[str, object], prefix: str, where: str) -> Iterator[tuple[str, float]]:
    for name, value in table.items():
        full = f"{prefix}{name}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{full}.", where)
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _wrong(f"holds {full!r} = {json.dumps(value)[:40]}, which is no number", where)
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise _wrong(f"holds {full!r} = {value!s:.20}, which is not a finite number", where)
        yield full, number


def _wrong(what: str, where: str) -> StepError:
    return StepError(
        f"The metrics of a step cannot be read: the file {what}.",
        where=where,
        remedy='Write a JSON object of numbers, such as {"mae": 12.5}.',
    )


__all__ = ["merge", "read"]
