"""Whether requests may be joined: only where the model says the same of a row, alone or in company.

The golden vectors are asked for one by one, and then in batches of many sizes, each of them in
several places among others. Sums of floats may come out differently in the last bits when a
library takes another path for more rows; then nothing is joined, unless the model's settings
allow a difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec
import numpy as np

from sealift import clock
from sealift.record.contract import Contract, Golden
from sealift.serve import golden
from sealift.serve.answering import Answering
from sealift.serve.tensors import Array, Packer, Row

SIZES = (
    *range(2, 34), 47, 48, 49, 50, 51, 63, 64, 65, 95, 96, 97, 127, 128, 129, 191, 192, 193,
    255, 256, 257, 511, 512, 513, 767, 768, 769, 1023, 1024,
)  # fmt: skip
"""Sizes of batches that are compared: every small one, and those around which kernels change."""

BUDGET = 1.0
"""Seconds that the comparison may take; what is proven by then counts."""

CALLS = 40
"""Calls of one row that it may take as long as, if that is longer."""

FEWEST = 4
"""Different golden vectors that it takes to tell whether rows mix."""

STRIDES = (1, 7)
"""How far apart in the list of golden vectors the neighbours in a batch are."""

Outputs = dict[str, Array]


class Proof(msgspec.Struct, frozen=True):
    """The most rows that joined requests may have together (1: none may be joined), and why.

    ``samples`` are the rows and seconds of calls, from which costs are learnt.
    """

    most: int
    reason: str
    samples: tuple[tuple[int, float], ...] = ()


def proven(
    model: Answering,
    packer: Packer,
    contract: Contract,
    vectors: Golden,
    wanted: Callable[[], bool] = lambda: True,
) -> Proof:
    """How far batches of the golden vectors give what each of them gives alone.

    It ends with what it has found so far when it is not ``wanted`` any more.
    """
    rows = golden.rows(contract, vectors)
    if len(set(rows)) < FEWEST:
        return Proof(1, f"there are fewer than {FEWEST} different golden vectors")
    asked = _Asked(model, packer, rows)
    try:
        return _compared(asked, contract.max_rows, vectors.batch_tolerance, wanted)
    except Exception as error:  # noqa: BLE001  a model that takes one row only may fail in any way
        return Proof(1, f"the model fails in a batch: {type(error).__name__}")


def _compared(asked: _Asked, largest: int, tolerance: float, wanted: Callable[[], bool]) -> Proof:
    most = 1
    until = clock.monotonic() + max(BUDGET, CALLS * asked.seconds())
    for size in SIZES:
        if size > largest or (most > 1 and clock.monotonic() > until) or not wanted():
            break
        for chosen in _chosen(size, asked.count):
            together = asked.together(chosen)
            place = difference(together, [asked.alone(number) for number in chosen], tolerance)
            if place is not None:
                # what holds for few rows and breaks for more is no property to build on
                return Proof(1, f"an output differs in a batch of {size}: {place}")
        most = size
    if most == 1:
        return Proof(1, "no batch was compared")
    allowed = f"within {tolerance:g}" if tolerance else "bit for bit"
    reason = f"batches of up to {most} rows give the same {allowed}"
    return Proof(most, reason, tuple(asked.samples))


def _chosen(size: int, vectors: int) -> Iterator[list[int]]:
    """The golden vectors of batches of a size: other neighbours, and other places, each time.

    >>> list(_chosen(3, 5))
    [[3, 4, 0], [3, 0, 2]]
    """
    for stride in STRIDES:
        yield [(size + place * stride) % vectors for place in range(size)]


def difference(together: Outputs, alone: list[Outputs], tolerance: float) -> str | None:
    """Where outputs of a batch are not those of its rows alone; None where they are.

    With a tolerance of 0 every bit counts; else floats may differ by ``tolerance *
    max(1, |value|)``, and all else not at all.
    """
    for name, array in together.items():
        if array.ndim == 0 or len(array) != len(alone):
            return f"{name!r} has shape {list(array.shape)} for {len(alone)} rows"
        for number, single in enumerate(alone):
            if not _same(array[number : number + 1], single[name], tolerance):
                return f"{name!r} of row {number}"
    return None


def _same(one: Array, other: Array, tolerance: float) -> bool:
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    if one.dtype == object:
        return bool(one.tolist() == other.tolist())
    if one.tobytes() == other.tobytes():
        return True
    if not tolerance or one.dtype.kind != "f":
        return False
    room = tolerance * np.maximum(1.0, np.abs(other))
    near = np.abs(one - other) <= room
    return bool(np.all(near | (np.isnan(one) & np.isnan(other)) | (one == other)))


class _Asked:
    """Answers of a model about its golden vectors, and how long they took."""

    def __init__(self, model: Answering, packer: Packer, rows: list[Row]) -> None:
        self._model = model
        self._packer = packer
        self._rows = rows
        self._alone: dict[int, Outputs] = {}
        self.count = len(rows)
        self.samples: list[tuple[int, float]] = []

    def alone(self, number: int) -> Outputs:
        """The answer to one vector."""
        if number not in self._alone:
            self._alone[number] = self.together([number])
        return self._alone[number]

    def together(self, numbers: list[int]) -> Outputs:
        """The answer to a batch of vectors."""
        feeds = self._packer.pack([self._rows[number] for number in numbers])
        began = clock.monotonic()
        found = self._model.run(feeds)
        self.samples.append((len(numbers), clock.monotonic() - began))
        return found

    def seconds(self) -> float:
        """How long one vector takes."""
        self.alone(0)
        return self.samples[0][1]


__all__ = ["Proof", "difference", "proven"]
