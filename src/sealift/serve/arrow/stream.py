"""A stream of Arrow's messages: a schema, dictionaries and record batches, as columns of values.

The file format is a stream between a mark and a footer, and is read as that stream. Compressed
buffers are refused: a body is compressed as a whole, by ``Content-Encoding``.
Source: the columnar format's section on serialisation and interprocess communication.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Any

from sealift.serve.arrow import cells, schema
from sealift.serve.arrow.cells import Buffers
from sealift.serve.arrow.node import FAULTS, Node, root
from sealift.serve.arrow.schema import Column
from sealift.serve.refusal import RefusalError

MESSAGES = 256
"""Most batches and dictionaries of a body: each costs more than its rows do."""

WORDS = 1 << 16
"""Most entries of a dictionary."""

MARK = b"ARROW1\0\0"
_SCHEMA, _DICTIONARY, _BATCH = 1, 2, 3
_ON = 0xFFFFFFFF


def read(body: bytes, names: Sequence[str], most: int) -> dict[str, list[Any]]:
    """The columns by name; None for no value. ``most`` rows are kept and one more.

    Raises ``RefusalError`` for a body that is no such stream, or not of the named columns.
    """
    try:
        return _Table(names, most).read(body)
    except FAULTS as error:
        raise RefusalError(
            "The body is not a stream or file of Arrow.", code="malformed_arrow"
        ) from error


class _Table:
    """What has been read of a stream."""

    def __init__(self, names: Sequence[str], most: int) -> None:
        self._names = names
        self._most = most
        self._columns: list[Column] | None = None
        self._words: dict[int, list[Any]] = {}
        self._found: dict[str, list[Any]] = {name: [] for name in names}
        self._rows = 0

    def read(self, body: bytes) -> dict[str, list[Any]]:
        for number, (header, data) in enumerate(_messages(body)):
            if number > MESSAGES:
                raise RefusalError(
                    f"The body has more than {MESSAGES} batches; send larger ones.",
                    code="arrow_batches",
                )
            self._take(header.number(1, "byte"), header.node(2), data)
            if self._rows > self._most:
                break
        if self._columns is None:
            raise ValueError("no schema")
        return self._found

    def _take(self, kind: int, header: Node, data: memoryview) -> None:
        if kind == _SCHEMA and self._columns is None:
            self._columns = schema.read(header, self._names)
        elif kind == _DICTIONARY and self._columns is not None:
            self._learn(header, data, self._columns)
        elif kind == _BATCH and self._columns is not None:
            self._add(header, data, self._columns)
        else:
            raise ValueError("a message out of its place")

    def _learn(self, header: Node, data: memoryview, columns: list[Column]) -> None:
        """Take in a dictionary, or what comes behind one that is known."""
        number = header.number(0, "long")
        kinds = [column.kind for column in columns if column.dictionary == number]
        if not kinds:
            raise ValueError("a dictionary of no column")
        batch = header.node(1)
        known = self._words.get(number, []) if header.number(2, "bool") else []
        (words,) = _batch(batch, data, [Column("", kinds[0])], {}, WORDS - len(known))
        self._words[number] = known + words

    def _add(self, header: Node, data: memoryview, columns: list[Column]) -> None:
        # of a batch with too many rows not even the first are wanted
        rows = header.number(0, "long")
        if self._rows + rows > self._most:
            self._rows = self._most + 1
            self._found = dict.fromkeys(self._names, [None] * self._rows)
            return
        for column, values in zip(
            columns, _batch(header, data, columns, self._words, rows), strict=True
        ):
            self._found[column.name] += values
        self._rows += rows


def _batch(
    header: Node,
    data: memoryview,
    columns: list[Column],
    words: dict[int, list[Any]],
    most: int,
) -> list[list[Any]]:
    """The cells of a record batch, column by column."""
    if header.has(3):
        raise RefusalError(
            "The batches are compressed; write them plain and compress the body, with "
            "Content-Encoding: gzip.",
            code="arrow_compression",
        )
    rows = header.number(0, "long")
    if not 0 <= rows <= most:
        raise ValueError("a batch of too many rows, or of fewer than none")
    nodes = header.pairs(1, len(columns))
    if len(nodes) != len(columns) or any(length != rows for length, _ in nodes):
        raise ValueError("columns of other lengths")
    if not rows:
        return [[] for _ in columns]
    counts = header.counts(4, len(columns))
    views = iter(counts)
    buffers = Buffers(data, header.pairs(2, 3 * len(columns) + sum(counts)), rows)
    return [
        cells.read(column, nulls, buffers, views, _dictionary(column, words))
        for column, (_, nulls) in zip(columns, nodes, strict=True)
    ]


def _dictionary(column: Column, words: dict[int, list[Any]]) -> list[Any] | None:
    # one that never came is empty
    return None if column.dictionary is None else words.get(column.dictionary, [])


def _messages(body: bytes) -> Iterator[tuple[Node, memoryview]]:
    """The messages, each with its body, up to the end of the stream."""
    data = memoryview(body)
    place = len(MARK) if body.startswith(MARK) else 0
    while place < len(data):
        (length,) = struct.unpack_from("<I", data, place)
        place += 4
        if length == _ON:
            (length,) = struct.unpack_from("<I", data, place)
            place += 4
        if not length:
            return
        header = root(bytes(data[place : place + length]))
        place += length
        size = header.number(3, "long")
        if not 0 <= size <= len(data) - place:
            raise ValueError("a message that ends early")
        yield header, data[place : place + size]
        place += size


__all__ = ["MARK", "MESSAGES", "read"]
