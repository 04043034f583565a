"""Rows that passed the contract, ready for the model: what decoders make and models take."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from sealift.serve.guard import Guard
from sealift.serve.tensors import Array, Packer, Row


class Batch(msgspec.Struct, frozen=True):
    """Checked rows as the model's input tensors.

    ``flags`` names by row the fields whose legal values lie outside what the training data held;
    ``rows`` gives the rows with some numbers back as clients would write them, for the record.
    """

    count: int
    feeds: dict[str, Array]
    flags: dict[int, list[str]]
    rows: Callable[[Sequence[int]], Sequence[Row]]


def of_rows(guard: Guard, packer: Packer, rows: Sequence[Row]) -> Batch:
    """Rows that the guard has checked."""

    def some(numbers: Sequence[int]) -> Sequence[Row]:
        return [rows[number] for number in numbers]

    return Batch(len(rows), packer.pack(rows), guard.flags(rows), some)


__all__ = ["Batch", "of_rows"]
