"""The metadata of Arrow's messages: tables of FlatBuffers, read without trust.

Every place is looked up within the bytes; what points outside raises one of ``FAULTS``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from flatbuffers import number_types
from flatbuffers.table import Table

FAULTS = (struct.error, IndexError, OverflowError, TypeError, UnicodeDecodeError, ValueError)
"""What reading metadata that is no metadata raises."""

LONGEST = 1 << 16
"""Bytes of a text that is still a name."""

_NUMBERS: dict[str, Any] = {
    "bool": number_types.BoolFlags,
    "byte": number_types.Uint8Flags,
    "short": number_types.Int16Flags,
    "int": number_types.Int32Flags,
    "long": number_types.Int64Flags,
}


class Node:
    """One table. A field is known by its number in the schema of the format."""

    __slots__ = ("_table",)

    def __init__(self, table: Table) -> None:
        self._table = table

    def number(self, field: int, kind: str, default: int = 0) -> int:
        """A number or a truth value of a kind: bool, byte, short, int or long."""
        return int(self._table.GetSlot(4 + 2 * field, default, _NUMBERS[kind]))

    def has(self, field: int) -> bool:
        """Whether a field was written."""
        return bool(self._table.Offset(4 + 2 * field))

    def node(self, field: int) -> Node:
        """The table that a field points to. Raises ``ValueError`` where there is none."""
        return Node(Table(self._table.Bytes, self._table.Indirect(self._place(field))))

    def text(self, field: int) -> str:
        """A text; empty where there is none."""
        if not self.has(field):
            return ""
        place = self._table.Indirect(self._place(field))
        (length,) = struct.unpack_from("<I", self._table.Bytes, place)
        if length > LONGEST:
            raise ValueError("a name of too many bytes")
        return bytes(self._table.Bytes[place + 4 : place + 4 + length]).decode()

    def nodes(self, field: int) -> Iterator[Node]:
        """The tables of a vector, one after the other: it may claim to be long."""
        for place in self._entries(field, 4):
            yield Node(Table(self._table.Bytes, self._table.Indirect(place)))

    def pairs(self, field: int, most: int) -> list[tuple[int, int]]:
        """A vector of at most so many structs of two whole numbers of 64 bits each."""
        return list(struct.iter_unpack("<qq", self._vector(field, 16, most)))

    def counts(self, field: int, most: int) -> list[int]:
        """A vector of at most so many whole numbers of 64 bits."""
        return [count for (count,) in struct.iter_unpack("<q", self._vector(field, 8, most))]

    def _vector(self, field: int, size: int, most: int) -> bytes:
        places = self._entries(field, size)
        if len(places) > most or places.stop > len(self._table.Bytes):
            raise ValueError("a vector that is too long")
        return bytes(self._table.Bytes[places.start : places.stop])

    def _entries(self, field: int, size: int) -> range:
        if not self.has(field):
            return range(0)
        offset = self._table.Offset(4 + 2 * field)
        first = self._table.Vector(offset)
        return range(first, first + size * self._table.VectorLen(offset), size)

    def _place(self, field: int) -> int:
        offset = self._table.Offset(4 + 2 * field)
        if not offset:
            raise ValueError("a table that points nowhere")
        return int(self._table.Pos + offset)


def root(data: bytes) -> Node:
    """The outermost table of a message."""
    return Node(Table(data, struct.unpack_from("<I", data, 0)[0]))


__all__ = ["FAULTS", "Node", "root"]
