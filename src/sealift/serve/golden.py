"""Golden vectors: the same rows must give the same outputs, wherever and whenever they are asked.

A container replays them before it says that it is ready.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from sealift.record.contract import Contract, Golden
from sealift.serve.answering import Answering
from sealift.serve.tensors import Packer, Row, cells


class Mismatch(msgspec.Struct, frozen=True):
    """A golden vector that was not reproduced: its number, output, and both values."""

    row: int
    output: str
    expected: Any
    got: Any

    def __str__(self) -> str:
        return (
            f"golden vector {self.row} was not reproduced: output {self.output!r} should be "
            f"{self.expected!r}, but is {self.got!r}"
        )


def rows(contract: Contract, golden: Golden) -> list[Row]:
    """The golden rows in the order of the contract's fields."""
    return [tuple(row[field.name] for field in contract.fields) for row in golden.rows]


def answers(model: Answering, packer: Packer, batch: Sequence[Row]) -> dict[str, list[Any]]:
    """All outputs for a batch of rows, one cell a row."""
    return {name: cells(array) for name, array in model.run(packer.pack(batch)).items()}


def answers_in_parts(
    model: Answering, packer: Packer, batch: Sequence[Row], size: int
) -> dict[str, list[Any]]:
    """All outputs for a batch of rows, asked for in parts of ``size`` rows."""
    whole: dict[str, list[Any]] = {name: [] for name in model.names}
    for start in range(0, len(batch), size):
        for name, values in answers(model, packer, batch[start : start + size]).items():
            whole[name] += values
    return whole


def replay(model: Answering, packer: Packer, contract: Contract, golden: Golden) -> Mismatch | None:
    """The first mismatch, asked for all rows at once and for each row alone; None: certified."""
    batch = rows(contract, golden)
    return replay_together(model, packer, contract, golden) or _mismatch(
        golden, answers_in_parts(model, packer, batch, 1)
    )


def replay_together(
    model: Answering, packer: Packer, contract: Contract, golden: Golden
) -> Mismatch | None:
    """The first mismatch, asked for all rows at once."""
    return _mismatch(golden, answers(model, packer, rows(contract, golden)))


def _mismatch(golden: Golden, got: dict[str, list[Any]]) -> Mismatch | None:
    for name, expected in golden.outputs.items():
        for number, value in enumerate(expected):
            if not same(value, got[name][number], golden.tolerance):
                return Mismatch(number, name, value, got[name][number])
    return None


def same(expected: Any, got: Any, tolerance: float) -> bool:
    """Whether an output is the expected one: floats within ``tolerance * max(1, |expected|)``.

    >>> same(2.0, 2.00001, 1e-5), same([2.0, "a"], [2.0, "b"], 1e-5)
    (True, False)
    """
    if expected == got:
        # whole lists at once, which most are
        return True
    if isinstance(expected, list | tuple):
        return (
            isinstance(got, list | tuple)
            and len(got) == len(expected)
            and all(same(*pair, tolerance) for pair in zip(expected, got, strict=True))
        )
    if isinstance(expected, float) and isinstance(got, float):
        return abs(expected - got) <= tolerance * max(1.0, abs(expected))
    return False


__all__ = ["Mismatch", "answers", "answers_in_parts", "replay", "replay_together", "rows", "same"]
