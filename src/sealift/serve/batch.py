"""Rows that passed the contract, ready for the model: what decoders make and models take."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from sealift.serve.flagged import Marks
from sealift.serve.guard import Guard
from sealift.serve.tensors import Array, Packer, Row

Spelled = Callable[[], Sequence[Row]]
"""Spells rows that were picked, when there is time for it."""


class Batch(msgspec.Struct, frozen=True):
    """Checked rows as the model's input tensors.

    ``flags`` names by row the fields whose legal values lie outside what the training data held;
    ``rows`` picks the rows with some numbers for the record, and gives what spells them as clients
    would write them; of a large batch that holds no more than these rows. Where naming takes long,
    ``marks`` have what ``flags`` do not have yet.
    """

    count: int
    feeds: dict[str, Array]
    flags: dict[int, list[str]]
    rows: Callable[[Sequence[int]], Spelled]
    marks: Marks | None = None


MANY = 1 << 17
"""Values from which rows are kept as bytes: to forget a million values takes as long as others may
wait.
"""


def of_rows(guard: Guard, packer: Packer, rows: list[Row]) -> Batch:
    """Rows that the guard has checked; many are taken out of the list."""
    feeds, flags, count = packer.pack(rows), guard.flags(rows), len(rows)
    if count * len(guard.names) > MANY:
        return Batch(count, feeds, flags, _stored(rows))

    def some(numbers: Sequence[int]) -> Spelled:
        picked = [rows[number] for number in numbers]
        return lambda: picked

    return Batch(count, feeds, flags, some)


def _stored(rows: list[Row]) -> Callable[[Sequence[int]], Spelled]:
    """Picks rows that are kept as bytes."""
    stored: list[bytes] = []
    rows.reverse()
    while rows:
        stored.append(msgspec.msgpack.encode(rows.pop()))

    def some(numbers: Sequence[int]) -> Spelled:
        picked = [stored[number] for number in numbers]
        return lambda: [tuple(msgspec.msgpack.decode(one)) for one in picked]

    return some


__all__ = ["Batch", "Spelled", "of_rows"]
