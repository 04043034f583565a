"""The cells of a column in a record batch, from its buffers."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from sealift.serve.arrow.schema import Column
from sealift.serve.tensors import Array

SHORT = 12
"""Bytes of a text that a view holds itself."""

LEAST = 1 << 20
"""Bytes of texts that views may always come to, however small the body is."""


class Buffers:
    """The buffers of a batch, taken one after the other, each within the body."""

    def __init__(self, body: memoryview, places: list[tuple[int, int]], rows: int) -> None:
        self.rows = rows
        self._body = body
        self._places: Iterator[tuple[int, int]] = iter(places)

    def bytes(self) -> memoryview:
        """The next buffer. Raises ``ValueError`` for one that lies outside the body."""
        begin, length = next(self._places, (-1, -1))
        if begin < 0 or length < 0 or begin + length > len(self._body):
            raise ValueError("a buffer outside the body")
        return self._body[begin : begin + length]

    def numbers(self, kind: str, count: int | None = None) -> Array:
        """The next buffer as numbers, one a row unless another ``count`` is wanted."""
        wanted = self.rows if count is None else count
        return np.frombuffer(self.bytes(), f"<{kind}", wanted)

    def bits(self) -> Array:
        """The next buffer as truth values, one a row."""
        packed = np.frombuffer(self.bytes(), np.uint8, (self.rows + 7) // 8)
        return np.unpackbits(packed, count=self.rows, bitorder="little").astype(bool)


def read(
    column: Column, nulls: int, buffers: Buffers, views: Iterator[int], words: list[Any] | None
) -> list[Any]:
    """The cells of a column; None for no value.

    ``words`` are those of its dictionary, ``views`` how many buffers of texts each column of views
    has. Raises one of ``FAULTS`` for buffers that do not fit.
    """
    kind = column.index if words is not None else column.kind
    if kind == "null":
        return [None] * buffers.rows
    present = _present(nulls, buffers)
    values = _values(kind, buffers, views)
    if words is not None:
        values = _looked_up(values, present, words)
    if present is None:
        return values
    return [value if there else None for value, there in zip(values, present, strict=True)]


def _present(nulls: int, buffers: Buffers) -> list[bool] | None:
    """Which rows have a value; None for all."""
    if not nulls:
        buffers.bytes()
        return None
    flags: list[bool] = buffers.bits().tolist()
    return flags


def _values(kind: str, buffers: Buffers, views: Iterator[int]) -> list[Any]:
    if kind == "utf8":
        return _texts(buffers.numbers("i4", buffers.rows + 1), buffers.bytes())
    if kind == "large_utf8":
        return _texts(buffers.numbers("i8", buffers.rows + 1), buffers.bytes())
    if kind == "utf8_view":
        return _viewed(buffers, next(views, 0))
    values = buffers.bits() if kind == "bool" else buffers.numbers(kind)
    found: list[Any] = values.tolist()
    if kind.startswith("f"):
        # not a number is no value, as in tensors
        return [None if math.isnan(value) else value for value in found]
    return found


def _texts(offsets: Array, data: memoryview) -> list[Any]:
    places: list[int] = offsets.tolist()
    if places and (places[0] < 0 or places[-1] > len(data) or (np.diff(offsets) < 0).any()):
        raise ValueError("a text outside its buffer")
    text = bytes(data)
    return [text[begin:end].decode() for begin, end in pairwise(places)]


def _viewed(buffers: Buffers, count: int) -> list[Any]:
    """Texts of views (16 bytes each): short ones within, others in one of ``count`` buffers."""
    if not 0 <= count <= buffers.rows:
        raise ValueError("more buffers of texts than texts")
    views = bytes(buffers.bytes())[: 16 * buffers.rows]
    data = [buffers.bytes() for _ in range(count)]
    left = max(LEAST, sum(map(len, data)))
    texts: list[Any] = []
    for place in range(0, 16 * buffers.rows, 16):
        (length,) = struct.unpack_from("<i", views, place)
        left -= length
        if length < 0 or left < 0:
            raise ValueError("a text longer than its buffers")
        if length <= SHORT:
            texts.append(views[place + 4 : place + 4 + length].decode())
            continue
        number, begin = struct.unpack_from("<ii", views, place + 8)
        if not 0 <= number < count or not 0 <= begin <= len(data[number]) - length:
            raise ValueError("a text outside its buffer")
        texts.append(bytes(data[number][begin : begin + length]).decode())
    return texts


def _looked_up(numbers: list[Any], present: list[bool] | None, words: list[Any]) -> list[Any]:
    there = present or [True] * len(numbers)
    if any(not 0 <= one < len(words) for one, here in zip(numbers, there, strict=True) if here):
        raise ValueError("a word outside its dictionary")
    return [words[one] if here else None for one, here in zip(numbers, there, strict=True)]


__all__ = ["Buffers", "read"]
