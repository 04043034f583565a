"""Predictions as a stream of Arrow: a schema, one record batch, the end.

Columns: ``id`` (text), ``prediction`` (texts, truth values, whole numbers or numbers of 64 bits)
and ``flags`` (text, the names between semicolons). Numbers of tables and fields are those of the
format's ``Schema.fbs`` and ``Message.fbs``.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np
from flatbuffers.builder import Builder

_V5 = 4
_SCHEMA, _BATCH = 1, 3
_INT, _FLOAT, _TEXT, _BOOL = 2, 3, 5, 6
_DOUBLE = 2
_END = struct.pack("<II", 0xFFFFFFFF, 0)
_ALIGNED = 8


class Packed(msgspec.Struct, frozen=True):
    """A column to write: its type, how many values are missing, its buffers."""

    name: str
    kind: int
    nulls: int
    buffers: list[bytes]


def written(ids: Sequence[str], predictions: Sequence[Any], flags: Sequence[str]) -> bytes:
    """The stream. A prediction is a text, a truth value, a number or None for no value.

    >>> written(["a"], [1.5], [""])[-8:].hex()
    'ffffffff00000000'
    """
    columns = [_texts("id", ids), _values("prediction", predictions), _texts("flags", flags)]
    return b"".join((_message(_SCHEMA, _schema(columns), 0), _batch(columns, len(ids)), _END))


def _values(name: str, values: Sequence[Any]) -> Packed:
    present = [value for value in values if value is not None]
    kinds = {type(value) for value in present}
    if kinds == {bool}:
        bits = np.packbits([bool(value) for value in values], bitorder="little")
        return _column(name, _BOOL, values, bits.tobytes())
    if kinds == {int} and all(-(1 << 63) <= value < 1 << 63 for value in present):
        return _column(name, _INT, values, np.array([one or 0 for one in values], "<i8").tobytes())
    if kinds <= {int, float}:
        return _column(name, _FLOAT, values, np.array(values, "<f8").tobytes())
    return _texts(name, values)


def _column(name: str, kind: int, values: Sequence[Any], data: bytes) -> Packed:
    return Packed(name, kind, _missing(values), [_bitmap(values), data])


def _texts(name: str, values: Sequence[Any]) -> Packed:
    words = [
        value if isinstance(value, str) else "" if value is None else str(value) for value in values
    ]
    data = [word.encode("utf-8", "replace") for word in words]
    offsets = np.cumsum([0, *map(len, data)], dtype="<i4").tobytes()
    return Packed(name, _TEXT, _missing(values), [_bitmap(values), offsets, b"".join(data)])


def _missing(values: Sequence[Any]) -> int:
    return sum(value is None for value in values)


def _bitmap(values: Sequence[Any]) -> bytes:
    """Which values are there; empty where all are."""
    if not _missing(values):
        return b""
    return np.packbits([value is not None for value in values], bitorder="little").tobytes()


def _schema(columns: Sequence[Packed]) -> Callable[[Builder], int]:
    def build(builder: Builder) -> int:
        fields = [_field(builder, column) for column in columns]
        builder.StartVector(4, len(fields), 4)
        for field in reversed(fields):
            builder.PrependUOffsetTRelative(field)
        vector = builder.EndVector()
        builder.StartObject(4)
        builder.PrependUOffsetTRelativeSlot(1, vector, 0)
        return int(builder.EndObject())

    return build


def _field(builder: Builder, column: Packed) -> int:
    name = builder.CreateString(column.name)
    kind = _type(builder, column.kind)
    builder.StartVector(4, 0, 4)
    children = builder.EndVector()
    builder.StartObject(7)
    builder.PrependUOffsetTRelativeSlot(0, name, 0)
    builder.PrependBoolSlot(1, True, False)
    builder.PrependUint8Slot(2, column.kind, 0)
    builder.PrependUOffsetTRelativeSlot(3, kind, 0)
    builder.PrependUOffsetTRelativeSlot(5, children, 0)
    return int(builder.EndObject())


def _type(builder: Builder, kind: int) -> int:
    builder.StartObject(2)
    if kind == _INT:
        builder.PrependInt32Slot(0, 64, 0)
        builder.PrependBoolSlot(1, True, False)
    elif kind == _FLOAT:
        builder.PrependInt16Slot(0, _DOUBLE, 0)
    return int(builder.EndObject())


def _batch(columns: Sequence[Packed], rows: int) -> bytes:
    places: list[tuple[int, int]] = []
    body = bytearray()
    for buffer in (one for column in columns for one in column.buffers):
        places.append((len(body), len(buffer)))
        body += buffer + bytes(-len(buffer) % _ALIGNED)

    def build(builder: Builder) -> int:
        buffers = _pairs(builder, places)
        nodes = _pairs(builder, [(rows, column.nulls) for column in columns])
        builder.StartObject(5)
        builder.PrependInt64Slot(0, rows, 0)
        builder.PrependUOffsetTRelativeSlot(1, nodes, 0)
        builder.PrependUOffsetTRelativeSlot(2, buffers, 0)
        return int(builder.EndObject())

    return _message(_BATCH, build, len(body)) + bytes(body)


def _pairs(builder: Builder, pairs: Sequence[tuple[int, int]]) -> int:
    builder.StartVector(16, len(pairs), _ALIGNED)
    for one, other in reversed(pairs):
        builder.Prep(_ALIGNED, 16)
        builder.PrependInt64(other)
        builder.PrependInt64(one)
    return int(builder.EndVector())


def _message(kind: int, build: Callable[[Builder], int], size: int) -> bytes:
    """A message whose header ``build`` writes, and whose body has ``size`` bytes."""
    builder = Builder(512)
    header = build(builder)
    builder.StartObject(5)
    builder.PrependInt16Slot(0, _V5, 0)
    builder.PrependUint8Slot(1, kind, 0)
    builder.PrependUOffsetTRelativeSlot(2, header, 0)
    builder.PrependInt64Slot(3, size, 0)
    builder.Finish(builder.EndObject())
    data = bytes(builder.Output())
    data += bytes(-len(data) % _ALIGNED)
    return struct.pack("<II", 0xFFFFFFFF, len(data)) + data


__all__ = ["written"]
