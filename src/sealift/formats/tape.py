"""The opcodes of a pickle, one after another, read with bounded memory.

What each opcode is followed by is taken from the standard library's own description
(``pickletools.opcodes``). Texts are read without judging their encoding, because whoever loads the
file chooses that.
"""

from __future__ import annotations

import os
import pickletools
from typing import BinaryIO

CHUNK = 1 << 20
LINE = 1 << 16
"""Longest line that is kept."""
SHORT = 1 << 10
"""Longest text that is kept; a name that is imported is shorter."""

_PAIRS = frozenset({"GLOBAL", "INST"})
_LONG = frozenset({"FLOAT", "INT", "LONG", "PERSID", "STRING", "UNICODE"})
_WIDTHS = {
    pickletools.TAKEN_FROM_ARGUMENT1: 1,
    pickletools.TAKEN_FROM_ARGUMENT4: 4,
    pickletools.TAKEN_FROM_ARGUMENT4U: 4,
    pickletools.TAKEN_FROM_ARGUMENT8U: 8,
}
_OPCODES = {
    ord(one.code): (one.name, 0 if one.arg is None else one.arg.n) for one in pickletools.opcodes
}
Argument = tuple[bytes, ...]


class Damaged(Exception):  # noqa: N818 - an outcome that is foreseen, as StopIteration is
    """The stream cannot be followed from here on; the text says why."""


class Spent(Damaged):
    """The stream is longer than anybody would wait for."""


class Tape:
    """A stream of bytes that is read once, in order.

    ``size`` is its length where it can seek at no cost: then what is not looked at is skipped. Of
    any other stream at most ``budget`` bytes are read.
    """

    def __init__(self, stream: BinaryIO, size: int | None = None, *, budget: int) -> None:
        self._stream = stream
        self._size = size
        self._budget = budget
        self.position = 0

    def read(self, count: int) -> bytes:
        """Exactly ``count`` bytes. Raises ``Damaged`` when the stream ends first."""
        data = self._take(count)
        if len(data) < count:
            raise Damaged("it ends in the middle")
        return data

    def skip(self, count: int) -> None:
        """Go ``count`` bytes ahead. Raises ``Damaged`` when the stream ends first."""
        if self._size is None:
            while count:
                count -= len(self.read(min(count, CHUNK)))
            return
        if count > self._size - self.position:
            raise Damaged("it ends in the middle")
        self._stream.seek(count, os.SEEK_CUR)
        self.position += count

    def line(self) -> bytes | None:
        """The bytes up to a line's end, without it; None for a line that is too long to keep.

        Raises ``Damaged`` when the stream ends first.
        """
        data = piece = self._stream.readline(LINE)
        self._count(len(piece))
        while len(piece) == LINE and not piece.endswith(b"\n"):
            piece = self._stream.readline(LINE)
            self._count(len(piece))
        if not piece.endswith(b"\n"):
            raise Damaged("it ends in the middle")
        return data[:-1] if piece is data else None

    def opcode(self) -> tuple[str, Argument]:
        """The next opcode and what follows it; a long text is skipped and comes as no argument.

        Raises ``Damaged`` at the end of the stream and at what is no opcode.
        """
        code = self._take(1)
        if not code:
            raise Damaged("it ends in the middle")
        found = _OPCODES.get(code[0])
        if found is None:
            raise Damaged(f"byte {self.position - 1} is no opcode")
        name, length = found
        if length == 0:
            return name, ()
        if length > 0:
            return name, (self.read(length),)
        if length == pickletools.UP_TO_NEWLINE:
            return name, self._lines(name)
        return name, self._counted(length)

    def _lines(self, name: str) -> Argument:
        lines = [self.line() for _ in range(2 if name in _PAIRS else 1)]
        kept = tuple(one for one in lines if one is not None)
        if len(kept) < len(lines) and name not in _LONG:
            raise Damaged("a line is too long")
        return kept

    def _counted(self, kind: int) -> Argument:
        signed = kind == pickletools.TAKEN_FROM_ARGUMENT4
        length = int.from_bytes(self.read(_WIDTHS[kind]), "little", signed=signed)
        if length < 0:
            raise Damaged("a length is negative")
        if length <= SHORT:
            return (self.read(length),)
        self.skip(length)
        return ()

    def _take(self, count: int) -> bytes:
        data = self._stream.read(count)
        self._count(len(data))
        return data

    def _count(self, count: int) -> None:
        self.position += count
        if self._size is None and self.position > self._budget:
            raise Spent("it is too long to be followed")


__all__ = ["Argument", "Damaged", "Spent", "Tape"]
