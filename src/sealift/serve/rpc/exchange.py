"""A stream of requests: each is answered in its turn, as many ahead of the client as it takes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from sealift.serve.refusal import RefusalError
from sealift.serve.rpc.desk import Desk
from sealift.serve.rpc.stream import Stream
from sealift.serve.rpc.task import started

AHEAD = 16
"""Requests of a stream that are worked on at once; their answers keep their order."""

_OWN = ("grpc-timeout", "x-request-id")
"""What is said of the stream, and not of each request in it."""


class Exchange:
    """The requests of one stream.

    ``send`` gives an answer to the client, ``end`` ends the stream with None (all is well) or
    with the reason why it must end.
    """

    def __init__(
        self,
        stream: Stream,
        desk: Desk,
        send: Callable[[Stream, bytes], None],
        end: Callable[[Stream, RefusalError | None], None],
    ) -> None:
        self._stream = stream
        self._desk = desk
        self._send = send
        self._end = end
        self._metadata = {
            name: value for name, value in stream.call.metadata.items() if name not in _OWN
        }
        self._pending: deque[asyncio.Task[bytes]] = deque()
        self._leaving = self._stopped = False

    @property
    def waits(self) -> bool:
        """Whether it waits for the rest of a request."""
        return not self._pending and not self._stream.empty

    @property
    def busy(self) -> bool:
        """Whether as many requests are worked on as may be."""
        return len(self._pending) >= AHEAD

    def take(self) -> None:
        """Begin with requests that have come."""
        try:
            self._begin()
        except RefusalError as refusal:
            self.stop()
            self._end(self._stream, refusal)
            return
        stream = self._stream
        if stream.task is None and (self._pending or stream.whole or self._leaving):
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
            body = self._stream.message()
            if body is None:
                return
            work = self._desk.exchanged(self._stream.call, self._metadata, body)
            self._pending.append(started(work))

    async def _answer(self) -> None:
        stream = self._stream
        try:
            while self._pending:
                answer = await self._pending[0]
                self._pending.popleft()
                self._send(stream, answer)
                if self._stopped:
                    return
                if stream.rest:
                    stream.sent = asyncio.get_running_loop().create_future()
                    await stream.sent
                self._begin()
        except RefusalError as refusal:
            stream.task = None
            self.stop()
            self._end(stream, refusal)
            return
        stream.task = None
        if stream.whole:
            self._end(stream, None if stream.empty else _cut())
        elif self._leaving:
            self._end(stream, _ending())


def _cut() -> RefusalError:
    return RefusalError("The last request is not whole.", code="length", path="message")


def _ending() -> RefusalError:
    return RefusalError("The server ends. Open the stream elsewhere.", code="ending", status=503)


__all__ = ["Exchange"]
