"""Requests received and answers sent by compiled code (``native/turnstile.zig`` in the sources)."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from sealift.serve import coding
from sealift.serve.native import Express as Code
from sealift.serve.trace import Trace

FILES = 1 << 15
"""Clients are served whose files have smaller numbers."""

_SPANS = ("taken", "returned", "part", "stopped", "reply", "arena", "begun")
_NUMBERS = ("fd", "at", "length", "split", "known", "first", "rows", "form", "named", "traced")
_COLUMNS = {name: column for column, name in enumerate(_NUMBERS)}
_ID, _TRACE, _FLAGS, _WIDE = 40, 168, 200, 204
_WORDS = _WIDE // 4
_RETURNED = np.dtype([(name, np.uint32) for name in ("fd", "at", "length")])
_MIXED = 0xFFFFFFFF
_SEEN = np.dtype([("since", np.float64), ("split", np.uint32), ("bytes", np.uint32)])
_ALIGNED = 64

Why = Literal["", "short", "packed", "unwritten"]
_WHY: tuple[Why, ...] = ("", "short", "packed", "unwritten")


class Turn(NamedTuple):
    """How many requests were taken, and who is returned: a file and what was received from it."""

    taken: int
    returned: list[tuple[int, bytes]]


class Part(NamedTuple):
    """Requests of a turn up to the number ``end``: their first row in the tensors, their rows, and
    the number of their kind, None where they are of several."""

    begin: int
    end: int
    first: int
    rows: int
    known: int | None


class Taken(NamedTuple):
    """A request that was taken: the client's file, the number of its kind, its id, its rows in the
    tensors, and the trace that it is part of."""

    file: int
    known: int
    id: str
    first: int
    rows: int
    trace: Trace | None


class Stopped(NamedTuple):
    """An answer that was not sent, or not all of it.

    ``unsent`` are its bytes; where it is to be ``packed``, its body alone, with the length ``json``
    of its JSON where tensors follow that, else 0.
    """

    why: Why
    unsent: bytes
    json: int


class _Stopped(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_uint32) for name in ("why", "head", "body", "json", "sent"))


class Gate:
    """For clients of one model, whose files ``epoll`` watches; for one thread.

    The requests of a turn hold until the next one; ``since`` tells by their files when clients
    were last here.
    """

    def __init__(self, code: Code, epoll: int) -> None:
        library = code.code
        size = library.turnstile_size()
        # pages of it that are never written take no memory
        self._memory = np.empty(size + _ALIGNED, np.uint8)
        begin = self._memory.ctypes.data
        self._place = begin + -begin % _ALIGNED
        seen = np.zeros(FILES, _SEEN)
        self.since = seen["since"]
        library.turnstile_begin(self._place, code.plan, epoll, seen.ctypes.data, FILES)
        self.code = code
        self._learn = library.turnstile_learn
        self._take = library.turnstile_take
        self._keep = library.turnstile_keep
        self._tell = library.turnstile_tell
        self._gather = library.turnstile_gather
        self._stuck = library.turnstile_stuck
        self._forget = library.turnstile_forget
        spans = self._spans(library.turnstile_spans)
        self._taken = spans["taken"]
        self._numbers = self._taken.cast("I")
        self._returned = np.frombuffer(spans["returned"], _RETURNED)
        self._part = spans["part"].cast("I")
        self._stopped = _Stopped.from_buffer(spans["stopped"])
        self._reply, self._arena, self._begun = spans["reply"], spans["arena"], spans["begun"]

    def learn(self, raw: bytes, header: int, json: str, binary: str, packing: str | None) -> int:
        """The number by which requests are known whose heads differ from ``raw`` in length and id.

        Tensors in bytes begin at ``header`` in their bodies, 0 for JSON alone. Heads of answers
        begin with ``json``, or ``binary`` where tensors follow. ``packing`` is how large answers
        are compressed, as a ticket tells it. It is -1 where they cannot be known.
        """
        begun = [text.encode("latin-1") for text in (json, binary)]
        coded = 0 if packing is None else 1 + bool(packing)
        found: int = self._learn(
            *(self._place, raw, len(raw), header),
            *(begun[0], len(begun[0]), begun[1], len(begun[1]), coded, coding.SMALL),
        )
        return found

    def take(self, rows: int, largest: int, now: float) -> Turn:
        """Receive what clients have sent: requests of at most so many rows, and bytes of body."""
        found: int = self._take(self._place, rows, largest, now)
        returned = found >> 16
        if not returned:
            return Turn(found & 0xFFFF, [])
        leaving = self._returned[:returned].tolist()
        return Turn(found & 0xFFFF, [(fd, self._kept(at, length)) for fd, at, length in leaving])

    def request(self, number: int) -> Taken:
        """A request that was taken."""
        fd, _, _, _, known, first, rows, _, named, traced = self._of(number)
        begin = number * _WIDE
        given = str(self._taken[begin + _ID : begin + _ID + named], "ascii")
        return Taken(fd, known, given, first, rows, self._trace(begin) if traced else None)

    def part(self, begin: int, end: int, rows: int) -> Part:
        """Those requests from number ``begin`` on, up to ``end`` at most, that have no more than so
        many rows together, and one at least."""
        self._gather(self._place, begin, end, rows)
        end, first, rows, known = self._part
        return Part(begin, end, first, rows, None if known == _MIXED else known)

    def column(
        self, name: Literal["fd", "known", "first", "length", "split"], part: Part
    ) -> Sequence[int]:
        """Of each request the client's file, the number of its kind, its first row, its bytes, or
        how many of them are kept apart from a tensor; until the next turn."""
        begin, end = part.begin * _WORDS, part.end * _WORDS
        return self._numbers[begin + _COLUMNS[name] : end : _WORDS]

    def kept(self, number: int) -> bytes:
        """The bytes of a request that was taken."""
        self._keep(self._place, number)
        _, at, length, *_ = self._of(number)
        return self._kept(at, length)

    def tell(self, begin: int, end: int, first: int, date: bytes) -> int:
        """Send the answers to requests from a number up to ``end``, from the outputs held.

        The first of their rows is the row ``first`` of the tensors. Gives ``end``, or the number of
        a request whose answer ``stopped``.
        """
        code = self.code
        found: int = self._tell(
            *(self._place, begin, end, first, code.all),
            *(code.held, date, len(date)),
        )
        return found

    def stuck(self, file: int) -> bool:
        """Whether a client has begun what it has not ended."""
        return bool(self._stuck(self._place, file))

    def forget(self, file: int) -> bytes:
        """What a client began and has not ended, which is kept no longer."""
        found = self._forget(self._place, file)
        begin = found >> 32
        return bytes(self._begun[begin : begin + (found & 0xFFFFFFFF)])

    def stopped(self) -> Stopped:
        """The answer that was not sent."""
        said = self._stopped
        why = _WHY[said.why]
        body = bytes(self.code.out[: said.body])
        if why == "short":
            body = (bytes(self._reply[: said.head]) + body)[said.sent :]
        return Stopped(why, body, said.json)

    def _of(self, number: int) -> list[int]:
        """What is known of a request, in numbers."""
        begin = number * _WORDS
        return self._numbers[begin : begin + len(_NUMBERS)].tolist()

    def _trace(self, begin: int) -> Trace:
        """What a request is part of whose entry begins at this byte."""
        text = str(self._taken[begin + _TRACE : begin + _FLAGS + 2], "ascii")
        return Trace(text[:32], text[32:])

    def _kept(self, at: int, length: int) -> bytes:
        return bytes(self._arena[at : at + length])

    def _spans(self, told: Any) -> dict[str, memoryview]:
        """Parts of its memory, by name."""
        numbers = np.empty((len(_SPANS), 2), np.uintp)
        told(self._place, numbers.ctypes.data)
        numbers[:, 0] -= np.uintp(self._memory.ctypes.data)
        return {
            name: self._memory[begin : begin + length].data
            for name, (begin, length) in zip(_SPANS, numbers.tolist(), strict=True)
        }


__all__ = ["FILES", "Gate", "Part", "Stopped", "Taken", "Turn"]
