"""Streams of requests: each is answered in its turn, as many ahead of the client as it takes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Protocol

from sealift.serve.refusal import RefusalError
from sealift.serve.rpc.call import RemoteCall
from sealift.serve.rpc.desk import Desk
from sealift.serve.rpc.rota import Quantum
from sealift.serve.rpc.stream import Stream
from sealift.serve.rpc.task import started

AHEAD = 16
"""Requests of a stream that are worked on at once; their answers keep their order."""

_OWN = ("grpc-timeout", "x-request-id")
"""What is said of the stream, and not of each request in it."""


class Line(Protocol):
    """The way to the client."""

    def send(self, stream: Stream, message: bytes) -> None:
        """Give it an answer."""
        ...

    def over(self, stream: Stream, refusal: RefusalError | None) -> None:
        """End the stream: with None all is well, else this is why it must end."""
        ...


class Exchange:
    """The requests of one stream, ``among`` others of its connection.

    It is ``behind`` when more has come than there was a quantum for: ``take`` is to be called
    again. An open stream is little more than this, so it holds little until something comes.
    """

    __slots__ = ("_among", "_leaving", "_line", "_pending", "_stopped", "_stream", "behind")

    def __init__(self, stream: Stream, line: Line, among: Exchanges) -> None:
        self._stream = stream
        self._line = line
        self._among = among
        self._pending: list[asyncio.Task[bytes]] = []
        self._leaving = self._stopped = False
        self.behind = False

    @property
    def waits(self) -> bool:
        """Whether it waits for the rest of a request."""
        return not (self._pending or self.behind or self._stream.empty)

    @property
    def busy(self) -> bool:
        """Whether as many requests are worked on as may be."""
        return self.behind or len(self._pending) >= AHEAD

    def take(self) -> None:
        """Begin with requests that have come."""
        try:
            self._begin()
        except RefusalError as refusal:
            self.stop()
            self._line.over(self._stream, refusal)
            return
        stream = self._stream
        ends = (stream.whole or self._leaving) and not self.behind
        if stream.task is None and (self._pending or ends):
            task = started(self._answer())
            stream.task = None if task.done() else task

    def leave(self) -> None:
        """Answer what has come, and then end the stream."""
        self._leaving = True
        self.take()

    def stop(self) -> None:
        """Give up what is under way."""
        self._stopped = True
        for task in self._pending:
            task.cancel()
        self._pending.clear()

    def _begin(self) -> None:
        while len(self._pending) < AHEAD:
            if self._among.quantum.left <= 0:
                if not (self.behind or self._stream.empty):
                    self.behind = True
                    self._among.fall_behind(self._stream)
                return
            body = self._stream.message()
            if body is None:
                return
            self._among.quantum.left -= 1
            self._pending.append(started(self._among.exchanged(self._stream.call, body)))

    async def _answer(self) -> None:
        stream = self._stream
        try:
            while self._pending:
                answer = await self._pending[0]
                del self._pending[0]
                self._line.send(stream, answer)
                if self._stopped:
                    return
                if stream.rest:
                    stream.sent = asyncio.get_running_loop().create_future()
                    await stream.sent
                self._begin()
        except RefusalError as refusal:
            stream.task = None
            self.stop()
            self._line.over(stream, refusal)
            return
        stream.task = None
        if self.behind:
            return
        if stream.whole:
            self._line.over(stream, None if stream.empty else _cut())
        elif self._leaving:
            self._line.over(stream, _ending())


class Exchanges:
    """Those of one connection, by the numbers of their streams.

    ``late`` hears when one of them falls ``behind``.
    """

    def __init__(self, desk: Desk, quantum: Quantum, late: Callable[[], None]) -> None:
        self.quantum = quantum
        self._desk = desk
        self._late = late
        self._all: dict[int, Exchange] = {}
        self._behind: deque[Stream] = deque()

    def __contains__(self, number: int) -> bool:
        """Whether a stream is one of requests."""
        return number in self._all

    @property
    def behind(self) -> bool:
        """Whether there are requests for which there was no quantum."""
        return bool(self._behind)

    def begin(self, stream: Stream, line: Line) -> None:
        """Begin one."""
        self._all[stream.number] = Exchange(stream, line, self)

    def exchanged(self, call: RemoteCall, body: bytes | bytearray) -> Coroutine[Any, Any, bytes]:
        """Work on one request of a stream."""
        metadata = call.metadata
        if any(name in metadata for name in _OWN):
            metadata = {name: value for name, value in metadata.items() if name not in _OWN}
        return self._desk.exchanged(call, metadata, body)

    def get(self, number: int) -> Exchange | None:
        """The one of a stream."""
        return self._all.get(number)

    def pop(self, number: int) -> Exchange | None:
        """The one of a stream, which is forgotten."""
        return self._all.pop(number, None)

    def taken_up(self) -> Iterator[Stream]:
        """Go on with those that are behind, as long as there is a quantum; their streams."""
        while self._behind and self.quantum.left > 0:
            stream = self._behind.popleft()
            exchange = self._all.get(stream.number)
            if exchange is not None:
                exchange.behind = False
                exchange.take()
                yield stream

    def leave(self) -> None:
        """Answer what has come, and then end all of them."""
        for exchange in list(self._all.values()):
            exchange.leave()

    def end(self) -> None:
        """The connection is there no more."""
        self._behind.clear()
        self._late = nobody

    def fall_behind(self, stream: Stream) -> None:
        """Go on with a stream when there is a quantum."""
        self._behind.append(stream)
        self._late()


def nobody() -> None:
    """Stands for a connection that has ended: what knew it would wait for the collector."""


def _cut() -> RefusalError:
    return RefusalError("The last request is not whole.", code="length", path="message")


def _ending() -> RefusalError:
    return RefusalError("The server ends. Open the stream elsewhere.", code="ending", status=503)


__all__ = ["Exchange", "Exchanges", "nobody"]
