"""What goes to a client: within its windows, and no faster than it takes it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from sealift import clock
from sealift.serve.rpc import frames
from sealift.serve.rpc.allowance import Allowance
from sealift.serve.rpc.frames import DATA, END_STREAM, FLOW_CONTROL_ERROR, WIDEST, FaultError
from sealift.serve.rpc.stream import NOTHING, Stream

PIECE = 1 << 16
"""Bytes that are handed to the system at once."""


class Outflow:
    """Sends frames; those put in while it is ``held`` go together.

    ``room`` is what the client takes in all streams now, ``initial`` what it takes in a new one,
    and ``full`` whether it does not take what it was sent.
    """

    def __init__(self, transport: asyncio.Transport, allowance: Allowance) -> None:
        self.transport = transport
        self.room = self.initial = frames.WINDOW
        self.largest = frames.LARGEST
        self.full = False
        self.held = False
        self._allowance = allowance
        self._pieces: list[bytes | memoryview] = []
        self._size = 0
        self._waiting: dict[int, Stream] = {}
        self._closed: dict[int, Stream] = {}
        self._over = False
        self._sent = self._seen = self._unsent = 0
        self._moved = 0.0

    def put(self, piece: bytes | memoryview) -> None:
        """Send frames, or a part of one."""
        self._pieces.append(piece)
        self._size += len(piece)

    def release(self) -> None:
        """Hand over what was put in."""
        if self._pieces and not self.held:
            pieces, self._pieces, self._size = self._pieces, [], 0
            if not self._over and not self.transport.is_closing():
                self.transport.write(b"".join(pieces))

    def end(self, last: bytes) -> None:
        """Send a last frame, and then nothing any more."""
        self.put(last)
        self.held = False
        self.release()
        self._over = True
        if not self.transport.is_closing():
            self.transport.write_eof()

    def push(self, stream: Stream) -> bool:
        """Send as much of a stream's ``rest`` as there is room for, then its ``tail``.

        Whether all of it went.
        """
        rest, size = stream.rest, len(stream.rest)
        while size and not self.full:
            now = min(size, stream.room, self.room, self.largest)
            if now <= 0:
                break
            self.put(frames.head(DATA, 0, stream.number, now))
            self.put(rest[:now])
            stream.room -= now
            self.room -= now
            rest, size = rest[now:], size - now
            if self._size > PIECE:
                held, self.held = self.held, False
                self.release()
                self.held = held
        sent = len(stream.rest) - size
        if sent:
            stream.since = clock.monotonic()
            self._sent += sent
            self._allowance.sent(sent)
        if size:
            stream.rest = rest
            self._wait(stream)
            return False
        self.forget(stream)
        if stream.tail:
            self.put(stream.tail)
        self._allowance.answered()
        return True

    def moved(self, now: float) -> float:
        """When the client was last seen to take something, for who looks again and again."""
        unsent = self.transport.get_write_buffer_size()
        if unsent < self._unsent or self._sent != self._seen:
            self._moved = now
        self._unsent, self._seen = unsent, self._sent
        return self._moved

    def stalled(self) -> list[Stream]:
        """The streams that wait for room."""
        return [*self._waiting.values(), *self._closed.values()]

    def movable(self) -> Iterator[Stream]:
        """The streams that wait for room in all streams, while there is any."""
        for stream in list(self._waiting.values()):
            if self.full or self.room <= 0:
                return
            yield stream

    def waits(self, number: int) -> bool:
        """Whether the stream of a number waits for room."""
        return number in self._waiting or number in self._closed

    def forget(self, stream: Stream) -> None:
        """Send nothing more of a stream."""
        self._waiting.pop(stream.number, None)
        self._closed.pop(stream.number, None)
        stream.rest = NOTHING

    def opened(self) -> None:
        """Streams have other windows: some that were closed may not be so any more."""
        for stream in self.stalled():
            self._wait(stream)

    def _wait(self, stream: Stream) -> None:
        # one that has no window of its own must not be looked at with every word about others
        here, there = self._waiting, self._closed
        if stream.room <= 0:
            here, there = there, here
        there.pop(stream.number, None)
        here[stream.number] = stream

    def widen(self, more: int) -> None:
        """The client takes so many bytes more in all streams. Raises ``FaultError``."""
        self.room = widened(self.room, more)


def widened(room: int, more: int) -> int:
    """A window with so much more room. Raises ``FaultError`` for one that is too wide."""
    if room + more > WIDEST:
        raise FaultError(FLOW_CONTROL_ERROR, "a window is too wide")
    return room + more


def trailers(number: int, block: bytes) -> bytes:
    """The frame that ends an answer."""
    return frames.frame(frames.HEADERS, frames.END_HEADERS | END_STREAM, number, block)


__all__ = ["Outflow", "trailers", "widened"]
