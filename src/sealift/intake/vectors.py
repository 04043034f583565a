"""Golden vectors of a server of others: what it answers, twice, in two containers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec.structs import replace

from sealift.check.answer import Answer
from sealift.check.bodies import Row, tensors_body
from sealift.check.golden import is_number
from sealift.check.target import Target
from sealift.check.valid_request import by_name, flat, shown, sizes
from sealift.errors import PackageError
from sealift.record.contract import Contract, Output
from sealift.types import Json

Cells = dict[str, list[Any]]
"""By output one cell a row: a value, or a list of them."""

FAR = float("inf")


class Asking:
    """Asks the server of a target for the answers to rows that fit ``contract``."""

    def __init__(self, target: Target, name: str, contract: Contract) -> None:
        self._target = target
        self._path = f"/v2/models/{name}/infer"
        self._contract = contract

    def answer(self, rows: Sequence[Row]) -> Answer:
        """What comes back for some rows in one request."""
        return self._target.post(self._path, tensors_body(self._contract, rows))

    def cells(self, rows: Sequence[Row]) -> Cells:
        """The answers to some rows. Raises ``PackageError`` when they are refused, or odd."""
        answer = self.answer(rows)
        if answer.status != 200:
            raise PackageError(
                f"The server does not answer rows of the table: {answer.status}.",
                where=shown(answer),
                remedy="Write a table of rows that it answers; columns that are no inputs go into "
                "[from_image] ignore.",
            )
        found: Cells = {}
        for name, tensor in by_name(answer.object()).items():
            values = flat(tensor.get("data"))
            width = len(values) // len(rows)
            if not width or len(values) != width * len(rows):
                raise PackageError(
                    f"The output {name!r} has {len(values)} values for {len(rows)} rows.",
                    where=shown(answer),
                    remedy="Only models that answer row by row can be checked: bring it in without "
                    "--table.",
                )
            found[name] = [
                values[at] if width == 1 else values[at : at + width]
                for at in range(0, len(values), width)
            ]
        if not found:
            raise PackageError(
                "The server's answer has no outputs.",
                where=shown(answer),
                remedy="Its inference has to follow the Open Inference Protocol.",
            )
        return found

    def alone(self, rows: Sequence[Row]) -> Cells:
        """The answers to some rows, asked for one by one."""
        whole: Cells = {}
        for row in rows:
            for name, cells in self.cells([row]).items():
                whole.setdefault(name, []).extend(cells)
        return whole


def described(answer: Answer) -> tuple[Output, ...]:
    """The outputs of an answer to one row, with -1 for the number of rows."""
    return tuple(
        Output(name=name, dtype=str(tensor.get("datatype")), shape=(-1, *_form(tensor)[1:]))
        for name, tensor in by_name(answer.object()).items()
    )


def _form(tensor: dict[str, Json]) -> tuple[int, ...]:
    shape = sizes(tensor.get("shape"))
    return shape if shape[:1] == (1,) else (1, *shape)


def largest_batch(asking: Asking, rows: Sequence[Row], most: int) -> int:
    """How many of the rows it takes at once, found by halving from all of them."""
    count = min(len(rows), most)
    while count > 1 and asking.answer(rows[:count]).status != 200:
        count //= 2
    return max(1, count)


def in_batches(asking: Asking, rows: Sequence[Row], count: int) -> Cells:
    """The answers to some rows, so many at a time."""
    whole: Cells = {}
    for at in range(0, len(rows), count):
        for name, cells in asking.cells(rows[at : at + count]).items():
            whole.setdefault(name, []).extend(cells)
    return whole


def spread(one: Cells, other: Cells) -> float:
    """The largest difference between answers, relative to ``max(1, |answer|)``.

    Infinite where texts, truth values, names or numbers of values differ.

    >>> spread({"y": [1.0, 10.0]}, {"y": [1.0, 11.0]}), spread({"y": ["a"]}, {"y": ["b"]})
    (0.1, inf)
    """
    if one.keys() != other.keys():
        return FAR
    return max((_apart(one[name], other[name]) for name in one), default=0.0)


def _apart(one: Json, other: Json) -> float:
    mine, theirs = flat(one), flat(other)
    if len(mine) != len(theirs):
        return FAR
    return max((_distance(a, b) for a, b in zip(mine, theirs, strict=True)), default=0.0)


def _distance(one: Json, other: Json) -> float:
    if is_number(one) and is_number(other):
        return 0.0 if one == other else abs(one - other) / max(1.0, abs(one))
    return 0.0 if type(one) is type(other) and one == other else FAR


def worst(one: Cells, other: Cells) -> str:
    """Where answers lie furthest apart, in words."""

    def places() -> Iterator[tuple[float, str]]:
        for name in one:
            for row, (a, b) in enumerate(zip(one[name], other.get(name, []), strict=False)):
                yield _apart(a, b), f"row {row}, output {name!r}: {a!r}, then {b!r}"

    return max(places(), default=(0.0, "its outputs"))[1]


def narrowed(contract: Contract, outputs: tuple[Output, ...], count: int, asked: int) -> Contract:
    """The contract with its outputs, and with the rows it takes where fewer than asked for."""
    prediction = contract.prediction or (outputs[0].name if outputs else "")
    most = contract.max_rows if count == asked else count
    return replace(contract, outputs=outputs, prediction=prediction, max_rows=most)


__all__ = [
    "Asking",
    "Cells",
    "described",
    "in_batches",
    "largest_batch",
    "narrowed",
    "spread",
    "worst",
]
