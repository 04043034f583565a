"""A connection of HTTP/1.1: requests come one after the other, and are answered in that order.

What is answered at once costs no task and no turn of the event loop. A body that has not come with
its head is read straight into its own memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, cast

from sealift import clock
from sealift.serve.gone import GoneError
from sealift.serve.http.answers import Keeper
from sealift.serve.http.chunks import Chunks
from sealift.serve.http.door import Door
from sealift.serve.http.head import Head, late
from sealift.serve.http.incoming import AHEAD, FREE, Incoming
from sealift.serve.http.loan import Loan
from sealift.serve.http.request import Request
from sealift.serve.http.resumed import Resumed
from sealift.serve.http.room import unset
from sealift.serve.http.unsent import Unsent
from sealift.serve.refusal import RefusalError
from sealift.serve.tap import Tap

KEEP_ALIVE = 120.0
"""Seconds until an idle connection is closed: longer than routers keep theirs (90 s), so that a
router never sends a request on a connection that is being closed."""

LINGER = 2.0
"""Seconds that a client has to read its last answer while it still sends."""

LARGE = 1 << 16
"""Bytes of an answer from which it is not worth joining them to its head."""

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Connection(asyncio.BufferedProtocol):
    """One client's requests."""

    def __init__(self, door: Door[Connection]) -> None:
        self._door = door
        self._app = door.app
        self._scratch = door.scratch
        self._transport: asyncio.Transport
        self._incoming = Incoming(door.app.room)
        self._since = clock.monotonic()
        self._unsent = Unsent()
        self._request: Request | None = None
        self._task: asyncio.Task[None] | None = None
        self._room: memoryview | None = None
        self._arriving: asyncio.Future[None] | None = None
        self._gone: asyncio.Future[None] | None = None
        self._chunks: Chunks | None = None
        self._loan = Loan()
        self._full = self._ended = self._lost = False
        self._last = self._unread = self._parting = self._spoken = self._soon = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        self._transport = cast("asyncio.Transport", transport)
        self._tap = Tap(self._transport)
        self._door.entered(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """The client is there no more."""
        self._lost = True
        self._incoming.clear()
        self._loan.end(self)
        self._tap.end()
        self._door.left(self)
        self._leave()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002
        """Where to put what comes."""
        return self._scratch if self._room is None else self._room

    def buffer_updated(self, nbytes: int) -> None:
        """Take what came."""
        room = self._room
        if room is not None:
            self._room = room[nbytes:] if nbytes < len(room) else None
            if self._room is None:
                self._arrive()
            return
        if self._parting:
            return
        self._incoming.add(bytes(self._scratch[:nbytes]))
        if self._request is None:
            self.work()
        elif self._arriving is not None:
            self._arrive()
            return
        if len(self._incoming) > FREE:
            self._keep()

    def eof_received(self) -> bool:
        """The client sends no more: what it waits for may still be written."""
        self._ended = True
        if self._parting:
            return False
        if self._request is None:
            self.work()
        else:
            self._leave()
        return True

    def pause_writing(self) -> None:
        """The client does not take its answers: it gets no more of them."""
        self._full = True
        self._tap.close()

    def resume_writing(self) -> None:
        """Go on."""
        self._full = False
        self._unsent = Unsent()
        self._relax()
        if self._request is None:
            self.work()

    def send(self, head: bytes, body: bytes, *, last: bool) -> None:
        """Answer the request under way, the ``last`` one perhaps. Raises ``GoneError``."""
        if self._lost:
            raise GoneError
        if len(body) < LARGE:
            self._transport.write(head + body)
        else:
            self._transport.write(head)
            self._transport.write(body)
        self._last = last
        self._unread = self._request is not None and not self._request.whole

    async def whole(self, length: int, place: int = 0) -> bytes:
        """The body of a length that is known. Raises ``RefusalError`` and ``GoneError``.

        Its byte ``place`` lies at a multiple of 16 in memory, unless all of it is here already.
        """
        came = len(self._incoming)
        if came >= length:
            return self._incoming.take(length)
        lead = -place % 16
        body = unset(lead + length)
        body[lead : lead + came] = self._incoming.take(came)
        self._room = memoryview(body)[lead + came :]
        try:
            await self._arrival()
        finally:
            self._room = None
        # what follows stays where it is: only the beginning moves
        del body[:lead]
        # copying it, only so that nobody can change it, would cost as much as reading it
        return cast("bytes", body)

    async def piece(self) -> bytes:
        """The next piece of a body in chunks; empty at its end. Raises as ``whole``."""
        if self._chunks is None:
            self._chunks = Chunks()
        while not self._chunks.complete:
            if not self._incoming:
                await self._arrival()
            piece, used = self._chunks.take(self._incoming.seen())
            self._incoming.take(used)
            if piece:
                return piece
        self._chunks = None
        return b""

    async def client_disconnect(self) -> None:
        """Wait until the client has left."""
        if not self._lost and not self._ended:
            self._gone = asyncio.get_running_loop().create_future()
            await self._gone

    def told(self, answer: bytes) -> None:
        """Answer the request that was to be answered soon."""
        self._soon = False
        self._loan.plain()
        if self._lost:
            return
        self._since = clock.monotonic()
        self._transport.write(answer)
        if self._door.ending:
            self._transport.close()
        elif self._ended or self._incoming or self._incoming.refusal is not None:
            self.work()
        self._relax()

    def returned(self, head: Head, body: bytes) -> None:
        """Answer the request that was to be answered soon as any other."""
        self._soon = False
        if not self._lost:
            self._begin(Request(head, body, self))
            self.work()

    @property
    def lendable(self) -> bool:
        """Whether it has a socket, nothing is under way, and it sends plain requests."""
        return (
            self._loan.due and self._idle and self._transport.get_extra_info("socket") is not None
        )

    def lent(self, keeper: Keeper) -> int:
        """The file of a client that is lendable, which a keeper serves from now on."""
        self._loan.begin(keeper)
        self._tap.close()
        return int(self._transport.get_extra_info("socket").fileno())

    def came(self, data: bytes) -> None:
        """Serve a client again that was lent, and has sent this since."""
        data = self._loan.end(self) or data
        self._since = clock.monotonic()
        self._relax()
        if data:
            self._loan.other()
            self._incoming.add(data)
            self.work()

    def look(self, now: float) -> None:
        """Give up what does not move."""
        if self._loan.stuck(self):
            self.came(b"")
        waited = now - self._loan.since(self, self._since)
        if self._arriving is not None and waited > self._door.patience:
            self._arrive(late("body"))
        elif self._transport.get_write_buffer_size():
            self._look_at_writing(now)
        elif self._parting:
            if waited > LINGER:
                self._transport.abort()
        elif self._request is None and waited > self._patience:
            self._loan.end(self)
            if self._incoming and not self._soon:
                self._incoming.refusal = late("head of the request")
                self.work()
            else:
                self._transport.close()

    @property
    def _patience(self) -> float:
        """Seconds that a client without a request may wait before the next."""
        rest = LINGER if self._door.ending else KEEP_ALIVE
        return self._door.patience if self._incoming else rest

    @property
    def _idle(self) -> bool:
        """Whether nothing is under way, and nothing stands against another request."""
        busy = self._soon or self._request is not None or bool(self._incoming)
        ending = self._lost or self._ended or self._parting or self._transport.is_closing()
        return not (busy or ending or self._full or self._transport.get_write_buffer_size())

    def end(self) -> None:
        """Close, unless a request is being answered, or the first is likely to be on its way."""
        if self._loan:
            self.came(b"")
        if self._request is None and not self._soon and self._spoken:
            self._transport.close()

    def _look_at_writing(self, now: float) -> None:
        """A slow client may take its time for a large answer, as long as it takes some of it."""
        left = self._transport.get_write_buffer_size()
        if self._unsent.still(left, now) > self._door.patience:
            self._transport.abort()
        elif self._parting:
            self._since = now

    def work(self) -> None:
        """Answer what has come, request by request, until one takes time or others wait."""
        line = self._door.line
        try:
            for _ in range(line.share(self)):
                if self._request is not None or self._full or self._transport.is_closing():
                    return
                if self._parting or self._soon:
                    return
                request = self._next()
                if request is None:
                    if self._ended and not self._soon:
                        self._part()
                    return
                line.spend()
                self._begin(request)
        except RefusalError as refusal:
            came = self._incoming.seen()
            if not self._spoken and self._door.handed_over(self, self._transport, came):
                self._incoming.clear()
                return
            self._transport.write(self._app.malformed(refusal))
            self._unread = True
            self._part()
            return
        if self._request is None:
            line.enter(self)

    def _next(self) -> Request | None:
        """The next request that must be answered now, if there is one."""
        incoming = self._incoming
        looked = incoming.looked
        head = incoming.head(self._door.heads)
        if head is None:
            if incoming and not looked:
                self._since = clock.monotonic()
            return None
        if not 0 <= head.length <= len(incoming):
            return Request(head, None, self)
        body = incoming.take(head.length)
        express = self._door.express
        if express is not None and express.take(self, head, body):
            self._soon = self._spoken = True
            return None
        return Request(head, body, self)

    def _begin(self, request: Request) -> None:
        self._spoken = True
        self._request = request
        self._since = request.began
        answering = self._app.answer(request)
        try:
            waits = answering.send(None)
        except StopIteration:
            self._request = None
            self._go_on()
            return
        coroutine: Coroutine[Any, Any, None] = Resumed(answering, waits)
        self._task = asyncio.get_running_loop().create_task(coroutine)
        self._task.add_done_callback(self._answered)

    def _answered(self, task: asyncio.Task[None]) -> None:
        self._request = self._task = self._chunks = None
        self._since = clock.monotonic()
        error = None if task.cancelled() else task.exception()
        if task.cancelled() or error is not None:
            self._transport.abort()
        if error is not None:
            told = {"message": "A request was not answered.", "exception": error, "task": task}
            asyncio.get_running_loop().call_exception_handler(told)
        self._go_on()
        self.work()

    def _go_on(self) -> None:
        if self._last and not self._lost:
            self._part()
        else:
            self._relax()

    def _keep(self) -> None:
        """Hold what cannot be asked yet, if there is room, and take no more than that."""
        self._incoming.keep()
        if self._incoming.refusal is not None:
            self.work()
        elif len(self._incoming) > AHEAD:
            self._tap.close()

    def _relax(self) -> None:
        if self._incoming.reserved:
            self._incoming.keep()
        if not self._full and len(self._incoming) <= AHEAD:
            self._tap.open()

    def _part(self) -> None:
        """Close, but let a client that still sends read the answer before."""
        self._since, self._parting = clock.monotonic(), True
        self._incoming.clear()
        if self._ended or not self._unread or not self._transport.can_write_eof():
            self._transport.close()
            return
        self._transport.write_eof()
        self._tap.open()

    def _leave(self) -> None:
        if self._gone is not None and not self._gone.done():
            self._gone.set_result(None)
        self._arrive(GoneError())

    async def _arrival(self) -> None:
        """Wait for more of the body. Raises ``RefusalError`` and ``GoneError``."""
        if self._ended or self._lost:
            raise GoneError
        if self._incoming.refusal is not None:
            raise self._incoming.refusal
        request = self._request
        if request is not None and request.head.expects and not request.asked:
            self._transport.write(_CONTINUE)
            request.asked = True
        self._tap.open()
        self._arriving = asyncio.get_running_loop().create_future()
        try:
            await self._arriving
        finally:
            self._arriving = None

    def _arrive(self, error: Exception | None = None) -> None:
        waits = self._arriving
        if waits is not None and not waits.done():
            waits.set_exception(error) if error else waits.set_result(None)


__all__ = ["Connection"]
