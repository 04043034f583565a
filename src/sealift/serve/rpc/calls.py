"""The calls on a connection: frames of streams become requests, replies become frames.

Which frame may come when: RFC 9113, sections 5.1 and 8.1.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from sealift import clock
from sealift.serve.refusal import RefusalError
from sealift.serve.rpc import fields, frames
from sealift.serve.rpc.allowance import SMALL, Allowance
from sealift.serve.rpc.cut import Cut
from sealift.serve.rpc.desk import KIND, OTHER_KIND, Desk, Reply
from sealift.serve.rpc.exchange import Exchanges, nobody
from sealift.serve.rpc.fields import FORGET, Fields, Metadata
from sealift.serve.rpc.flow import Inflow
from sealift.serve.rpc.frames import (
    CANCEL,
    END_HEADERS,
    END_STREAM,
    ENHANCE_YOUR_CALM,
    HEADERS,
    NO_ERROR,
    PIECE,
    PROTOCOL_ERROR,
    REFUSED_STREAM,
    STREAM_CLOSED,
    FaultError,
)
from sealift.serve.rpc.methods import STREAM
from sealift.serve.rpc.outflow import Outflow, trailers, widened
from sealift.serve.rpc.rota import Quantum
from sealift.serve.rpc.stream import Stream
from sealift.serve.rpc.task import started

SHARE = 4
"""Calls that may send as much as one may, on one connection."""

PATIENCE = 60.0
"""Seconds that a message may take to come, and a reply to be taken."""


class Calls:
    """Streams by their numbers; ``idle`` is called when the last of them ends.

    ``late`` is called when there is no ``quantum`` for what is to be done: ``catch_up`` does it.
    """

    def __init__(
        self,
        desk: Desk,
        out: Outflow,
        allowance: Allowance,
        quantum: Quantum,
        *,
        idle: Callable[[], None],
        late: Callable[[], None],
    ) -> None:
        self.last = 0
        self._desk = desk
        self._out = out
        self._allowance = allowance
        self._idle = idle
        self._streams: dict[int, Stream] = {}
        self._exchanges = Exchanges(desk, quantum, late)
        self._cut = Cut()
        self._fields = Fields()
        self._inflow = Inflow(self.window(desk))
        self._first = FORGET

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._streams)

    def begin(self, flags: int, number: int, block: bytes) -> None:
        """A call begins, or (RFC 9113, 8.1) ends, by fields. Raises ``FaultError``."""
        ended = bool(flags & END_STREAM)
        if number <= self.last:
            self._trailed(number, ended=self._fields.trailers(block) and ended)
            return
        metadata = self._fields.request(block)
        self.last = number
        if metadata is None:
            self._turn_away(number, PROTOCOL_ERROR, ended=ended)
        elif not self._desk.admits(len(self._streams)):
            self._turn_away(number, REFUSED_STREAM, ended=ended)
        elif not metadata.get("content-type", "").startswith(KIND):
            block = self._greeted(OTHER_KIND)
            self._out.put(frames.frame(HEADERS, END_HEADERS | END_STREAM, number, block))
            self._turn_away(number, NO_ERROR, ended=ended)
        else:
            self._open(number, metadata, ended=ended)

    def data(self, flags: int, number: int, content: bytes) -> None:
        """DATA. Raises ``FaultError``."""
        size = len(content)
        # all is taken at once, and counted: there is always a window for what comes
        self._inflow.used += size
        if more := self._inflow.again():
            self._out.put(frames.window(0, more))
        content = frames.unpadded(flags, content)
        if len(content) < SMALL and not flags & (END_STREAM | PIECE):
            self._allowance.spend()
        stream = self._known(number)
        if stream is None:
            return
        if stream.whole:
            self._fault(stream, STREAM_CLOSED)
        elif not stream.answering or number in self._exchanges:
            stream.inflow.used += size
            self._take(stream, content, ended=bool(flags & END_STREAM))

    def was_reset(self, number: int) -> None:
        """RST_STREAM. Raises ``FaultError``."""
        self._allowance.spend()
        if number > self.last or not number:
            raise FaultError(PROTOCOL_ERROR, "there was no such stream")
        stream = self._streams.get(number)
        if stream is not None:
            self._drop(stream)
            self._idle()

    def widened(self, number: int, more: int) -> None:
        """WINDOW_UPDATE of one stream. Raises ``FaultError``."""
        if number > self.last:
            raise FaultError(PROTOCOL_ERROR, "there was no such stream")
        stream = self._streams.get(number)
        if stream is None:
            return
        if not more:
            self._fault(stream, PROTOCOL_ERROR)
            return
        try:
            stream.room = widened(stream.room, more)
        except FaultError as fault:
            self._fault(stream, fault.code)
            return
        if self._out.waits(number):
            self._push(stream)

    @staticmethod
    def window(desk: Desk) -> int:
        """Bytes that may be under way in all streams of a connection."""
        return SHARE * desk.window

    def resized(self, change: int) -> None:
        """The client takes so many bytes more, or less, in each stream. Raises ``FaultError``."""
        for stream in self._streams.values():
            stream.room = widened(stream.room, change)
        self._out.opened()

    def push(self) -> None:
        """Go on with what waited for room."""
        for stream in self._out.movable():
            self._push(stream)

    @property
    def behind(self) -> bool:
        """Whether requests of streams wait to be begun."""
        return self._exchanges.behind

    def catch_up(self) -> None:
        """Begin with some of them."""
        for stream in self._exchanges.taken_up():
            self._widen(stream)

    def look(self, now: float, moved: float) -> None:
        """Give up what does not move; the client ``moved`` last when it took something."""
        for stream in list(self._streams.values()):
            exchange = self._exchanges.get(stream.number)
            waits = exchange.waits if exchange else stream.task is None and not stream.answering
            if exchange is not None and 0 < stream.call.deadline < now:
                self.over(stream, stream.call.late())
            elif stream.rest and now - _since(stream, moved) > PATIENCE:
                self._reset(stream, CANCEL)
            elif now - stream.since > PATIENCE and waits:
                self._refuse(stream, _slow())

    def leave(self) -> None:
        """End streams that would go on, once what came in them is answered."""
        self._exchanges.leave()

    def give_up(self, most: int) -> int:
        """The client has gone, or is heard no more: give up some calls; how many those were."""
        self._exchanges.end()
        self._idle = nobody
        some = list(islice(self._streams.values(), most))
        for stream in some:
            self._drop(stream)
        return len(some)

    def _open(self, number: int, metadata: Metadata, *, ended: bool) -> None:
        call = self._desk.begin(metadata[":path"], metadata)
        stream = self._streams[number] = Stream(number, call, self._desk, self._out.initial)
        self._desk.shares.open += 1
        try:
            method = self._desk.opened(call)
        except RefusalError as refusal:
            stream.whole = ended
            self._refuse(stream, refusal)
            return
        if method is STREAM:
            self._exchanges.begin(stream, self)
            stream.answering = True
            self._out.put(self._head(stream, self._desk.coding(call)))
        if ended:
            self._take(stream, b"", ended=True)

    def _trailed(self, number: int, *, ended: bool) -> None:
        """More fields came in a stream; they end it, or are wrong."""
        stream = self._known(number)
        if stream is None:
            return
        if stream.whole:
            self._fault(stream, STREAM_CLOSED)
        elif not ended:
            self._fault(stream, PROTOCOL_ERROR)
        elif not stream.answering or number in self._exchanges:
            self._take(stream, b"", ended=True)

    def _known(self, number: int) -> Stream | None:
        """The stream of a frame; None where the client could not know that it is over."""
        stream = self._streams.get(number)
        if stream is None and number not in self._cut:
            if number > self.last or not number:
                raise FaultError(PROTOCOL_ERROR, "there is no such stream")
            raise FaultError(STREAM_CLOSED, "the stream is over")
        return stream

    def _take(self, stream: Stream, content: bytes, *, ended: bool) -> None:
        exchange = self._exchanges.get(stream.number)
        if exchange is not None and stream.empty:
            stream.since = clock.monotonic()
        try:
            stream.whole = ended
            if content:
                stream.take(content)
            if exchange is None:
                stream.measure()
        except RefusalError as refusal:
            self._refuse(stream, refusal)
            return
        if ended and not stream.as_long_as_told:
            self._fault(stream, PROTOCOL_ERROR)
        elif exchange is not None:
            exchange.take()
            self._widen(stream)
        elif ended:
            task = started(self._serve(stream))
            stream.task = None if task.done() else task
        else:
            self._widen(stream)

    def _widen(self, stream: Stream) -> None:
        """Let the client send more, unless it has sent more than is worked on."""
        exchange = self._exchanges.get(stream.number)
        if stream.whole or (exchange is not None and exchange.busy):
            return
        if more := stream.inflow.again():
            self._out.put(frames.window(stream.number, more))

    async def _serve(self, stream: Stream) -> None:
        reply = await self._desk.answer(stream.call, stream.body())
        stream.task = None
        self._reply(stream, reply)
        self._out.release()

    def _refuse(self, stream: Stream, refusal: RefusalError) -> None:
        if stream.number in self._exchanges:
            self.over(stream, refusal)
            return
        self._reply(stream, self._desk.refused(stream.call, refusal))

    def _reply(self, stream: Stream, reply: Reply) -> None:
        stream.answering = True
        block = fields.written(reply.trailers)
        if not reply.message:
            self._out.put(trailers(stream.number, self._greeted(self._desk.greeting("")) + block))
            if stream.whole:
                self._allowance.answered()
            self._close(stream)
            return
        self._out.put(self._head(stream, reply.coding))
        stream.rest, stream.tail = memoryview(reply.message), trailers(stream.number, block)
        self._push(stream)

    def _head(self, stream: Stream, coding: str) -> bytes:
        block = self._greeted(self._desk.greeting(coding))
        return frames.frame(HEADERS, END_HEADERS, stream.number, block)

    def _greeted(self, block: bytes) -> bytes:
        first, self._first = self._first, b""
        return first + block

    def send(self, stream: Stream, message: bytes) -> None:
        """One of several answers."""
        stream.rest = memoryview(message)
        self._push(stream)
        self._widen(stream)
        self._out.release()

    def over(self, stream: Stream, refusal: RefusalError | None) -> None:
        """A stream of requests ends."""
        reply = self._desk.ended(stream.call, refusal)
        if (exchange := self._exchanges.pop(stream.number)) is not None:
            exchange.stop()
        if stream.task is not None:
            stream.task.cancel()
            stream.task = None
        stream.tail = trailers(stream.number, fields.written(reply.trailers))
        self._push(stream)
        self._out.release()

    def _push(self, stream: Stream) -> None:
        if not self._out.push(stream):
            self._reserve(stream)
            return
        self._desk.room.give_back(stream)
        if stream.tail:
            self._close(stream)
        elif stream.sent is not None:
            sent, stream.sent = stream.sent, None
            if not sent.done():
                sent.set_result(None)

    def _reserve(self, stream: Stream) -> None:
        """Make room for what waits to be sent."""
        more = len(stream.rest) - stream.reserved
        if more <= 0:
            self._desk.room.leave(stream, -more)
            return
        try:
            self._desk.room.take(stream, more)
        except RefusalError:
            self._reset(stream, ENHANCE_YOUR_CALM)

    def _close(self, stream: Stream) -> None:
        """An answer went out whole."""
        if not self._left(stream):
            return
        self._exchanges.pop(stream.number)
        if not stream.whole:
            self._cut_off(stream.number, NO_ERROR)
        self._idle()

    def _left(self, stream: Stream) -> bool:
        """Count a stream no more; false where that was done before."""
        known = self._streams.pop(stream.number, None) is not None
        self._desk.shares.open -= known
        return known

    def _cut_off(self, number: int, code: int) -> None:
        """Let the client send no more in a stream."""
        self._out.put(frames.reset(number, code))
        self._cut.add(number)

    def _turn_away(self, number: int, code: int, *, ended: bool) -> None:
        self._allowance.spend()
        if code or not ended:
            self._cut_off(number, code)

    def _fault(self, stream: Stream, code: int) -> None:
        """End a stream in which something wrong came. Raises ``FaultError`` for too many."""
        self._allowance.spend()
        self._reset(stream, code)

    def _reset(self, stream: Stream, code: int) -> None:
        """End a stream that has gone wrong."""
        self._cut_off(stream.number, code)
        self._drop(stream)
        self._idle()

    def _drop(self, stream: Stream) -> None:
        """Forget a call that nobody waits for any more."""
        self._left(stream)
        self._out.forget(stream)
        self._desk.room.give_back(stream)
        exchange = self._exchanges.pop(stream.number)
        if exchange is not None:
            exchange.stop()
        if stream.task is not None:
            stream.task.cancel()
        if exchange is not None or not stream.answering:
            self._desk.gone(stream.call)


def _since(stream: Stream, moved: float) -> float:
    """When an answer last moved, or another before which it has to wait."""
    return max(stream.since, moved) if stream.room > 0 else stream.since


def _slow() -> RefusalError:
    return RefusalError("The message did not arrive in time.", code="too_slow", status=408)


__all__ = ["Calls"]
