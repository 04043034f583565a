"""A connection of HTTP/2, and the calls of gRPC on it.

Written after "gRPC over HTTP2" (the gRPC documents) and RFC 9113.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable, Coroutine
from typing import Any, cast

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    PingAckReceived,
    RemoteSettingsChanged,
    RequestReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.exceptions import H2Error, StreamClosedError
from h2.settings import SettingCodes
from hpack import NeverIndexedHeaderTuple
from hyperframe.frame import GoAwayFrame

from sealift import clock
from sealift.serve.refusal import RefusalError
from sealift.serve.rpc.desk import Desk, Reply
from sealift.serve.rpc.stream import Stream

STREAMS = 1024
"""Calls at once on a connection."""

WINDOW = 1 << 20
"""Bytes of a call that may be under way before the server has taken any."""

HEADERS = 1 << 14
"""Bytes of the metadata of a call."""

PATIENCE = 60.0
"""Seconds that a message may take to come, and a reply to be taken; also until a silent
connection is asked whether it lives."""

SILENCE = 20.0
"""Seconds that a connection has to answer that."""

_PING = b"sealift\0"
_LAST = (1 << 31) - 1
_KIND = "application/grpc"
_SETTINGS: dict[SettingCodes | int, int] = {
    SettingCodes.MAX_CONCURRENT_STREAMS: STREAMS,
    SettingCodes.INITIAL_WINDOW_SIZE: WINDOW,
    SettingCodes.MAX_HEADER_LIST_SIZE: HEADERS,
}
_CONFIG = H2Configuration(
    client_side=False,
    header_encoding=None,
    validate_outbound_headers=False,
    normalize_outbound_headers=False,
)


class Connection(asyncio.Protocol):
    """Calls on one connection; it is in ``others`` as long as it is open."""

    def __init__(self, desk: Desk, others: set[Connection], most: int) -> None:
        self._desk = desk
        self._others = others
        self._most = most
        self._streams: dict[int, Stream] = {}
        self._waiting: set[int] = set()
        self._heard = clock.monotonic()
        self._asked = False
        self._greeted = False
        self._ending = False
        self._full = False
        self._reading = False
        self._handlers: dict[type[Event], Callable[[Any], None]] = {
            ConnectionTerminated: self._left,
            DataReceived: self._data,
            PingAckReceived: self._alive,
            RemoteSettingsChanged: self._settings,
            RequestReceived: self._request,
            StreamEnded: self._ended,
            StreamReset: self._was_reset,
            WindowUpdated: self._window,
        }
        self._h2 = H2Connection(_CONFIG)
        self._first: list[tuple[str, str]] = [
            (":status", "200"),
            ("content-type", _KIND),
            *desk.greeting,
        ]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet the client, unless there are too many."""
        self._transport = cast("asyncio.Transport", transport)
        if len(self._others) >= self._most:
            self._transport.abort()
            return
        self._others.add(self)
        self._h2.initiate_connection()
        self._h2.update_settings(_SETTINGS)
        self._h2.increment_flow_control_window(16 * WINDOW)
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Give up all calls."""
        self._others.discard(self)
        for stream in list(self._streams.values()):
            self._drop(stream)

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        self._heard, self._asked = clock.monotonic(), False
        self._reading = True
        try:
            for event in self._h2.receive_data(data):
                handler = self._handlers.get(type(event))
                if handler is not None:
                    handler(event)
        except H2Error:
            # what should be told of it waits to be sent
            self._flush()
            self._transport.close()
            return
        finally:
            self._reading = False
        self._flush()

    def pause_writing(self) -> None:
        """Take no more from a client that does not take what it is sent."""
        self._full = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on."""
        self._full = False
        self._transport.resume_reading()
        self._push_all()
        self._flush()

    def drain(self) -> None:
        """Ask the client for no more calls here; close once those under way are answered."""
        if self._ending or self._transport.is_closing():
            return
        self._ending = True
        self._flush()
        # two steps, as RFC 9113 has it (6.8): what was sent before this arrives is still answered
        self._transport.write(GoAwayFrame(0, last_stream_id=_LAST).serialize())
        self._h2.ping(_PING)
        self._flush()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def look(self, now: float) -> None:
        """Give up what does not move, and ask after who is silent."""
        for stream in list(self._streams.values()):
            if stream.task is None and now - stream.since > PATIENCE:
                if stream.reply is None:
                    refusal = RefusalError(
                        "The message did not arrive in time.", code="too_slow", status=408
                    )
                    self._refuse(stream, refusal)
                else:
                    self._reset(stream, ErrorCodes.CANCEL)
        silent = now - self._heard
        if silent > PATIENCE + SILENCE or (silent > SILENCE and not self._greeted):
            self.abort()
        elif silent > PATIENCE and not self._asked:
            self._asked = True
            self._h2.ping(_PING)
        self._flush()

    def _request(self, event: RequestReceived) -> None:
        metadata = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in event.headers
        }
        number = event.stream_id
        if not metadata.get("content-type", "").startswith(_KIND):
            self._h2.send_headers(number, [(":status", "415")], end_stream=True)
            self._end_stream(number)
            return
        call = self._desk.begin(metadata.get(":path", ""), metadata)
        stream = self._streams[number] = Stream(number, call, self._desk)
        try:
            self._desk.opened(call)
        except RefusalError as refusal:
            self._refuse(stream, refusal)

    def _data(self, event: DataReceived) -> None:
        if event.flow_controlled_length:
            self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        stream = self._streams.get(event.stream_id)
        if stream is None or stream.reply is not None:
            return
        try:
            stream.take(event.data)
        except RefusalError as refusal:
            self._refuse(stream, refusal)

    def _ended(self, event: StreamEnded) -> None:
        stream = self._streams.get(event.stream_id)
        if stream is not None and stream.reply is None:
            stream.whole = True
            task = _started(self._serve(stream))
            stream.task = None if task.done() else task

    def _was_reset(self, event: StreamReset) -> None:
        stream = self._streams.get(event.stream_id)
        if stream is not None:
            self._drop(stream)
        self._part()

    def _window(self, event: WindowUpdated) -> None:
        if not event.stream_id:
            self._push_all()
        elif event.stream_id in self._waiting:
            self._push(self._streams[event.stream_id])

    def _left(self, _event: ConnectionTerminated) -> None:
        self._transport.close()

    def _settings(self, _event: RemoteSettingsChanged) -> None:
        self._greeted = True
        self._push_all()

    def _alive(self, _event: PingAckReceived) -> None:
        self._part()

    async def _serve(self, stream: Stream) -> None:
        reply = await self._desk.answer(stream.call, stream.body())
        stream.task = None
        self._reply(stream, reply)
        if not self._reading:
            self._flush()

    def _refuse(self, stream: Stream, refusal: RefusalError) -> None:
        reply = self._desk.refused(stream.call, refusal)
        self._desk.end(stream.call, refusal.status)
        self._reply(stream, reply)

    def _reply(self, stream: Stream, reply: Reply) -> None:
        try:
            self._send(stream, reply)
        except H2Error:
            # it was reset by what has been read, but not yet looked at
            self._streams.pop(stream.number, None)
            self._waiting.discard(stream.number)

    def _send(self, stream: Stream, reply: Reply) -> None:
        stream.reply, stream.since = reply, clock.monotonic()
        if not reply.message:
            self._h2.send_headers(
                stream.number, [*self._first, *map(_field, reply.trailers)], end_stream=True
            )
            self._close(stream)
            return
        coding = [("grpc-encoding", reply.coding)] if reply.coding else []
        self._h2.send_headers(stream.number, [*self._first, *coding])
        stream.rest = memoryview(reply.message)
        self._push(stream)

    def _push_all(self) -> None:
        for number in list(self._waiting):
            self._push(self._streams[number])

    def _push(self, stream: Stream) -> None:
        """Send as much of a reply as the client has room for, and then its trailers."""
        rest, number = stream.rest, stream.number
        while rest and not self._full:
            size = min(
                len(rest),
                self._h2.local_flow_control_window(number),
                self._h2.max_outbound_frame_size,
            )
            if size <= 0:
                break
            self._h2.send_data(number, rest[:size])
            rest = rest[size:]
            stream.since = clock.monotonic()
            if len(rest):
                self._flush()
        stream.rest = rest
        if rest:
            self._waiting.add(number)
            return
        self._waiting.discard(number)
        assert stream.reply is not None
        self._h2.send_headers(number, list(map(_field, stream.reply.trailers)), end_stream=True)
        self._close(stream)

    def _close(self, stream: Stream) -> None:
        del self._streams[stream.number]
        if not stream.whole:
            self._end_stream(stream.number)
        self._part()

    def _end_stream(self, number: int) -> None:
        """Let the client send no more of a call that has its answer."""
        with contextlib.suppress(StreamClosedError):
            self._h2.reset_stream(number, ErrorCodes.NO_ERROR)

    def _reset(self, stream: Stream, code: ErrorCodes) -> None:
        self._h2.reset_stream(stream.number, code)
        self._drop(stream)

    def _drop(self, stream: Stream) -> None:
        """Forget a call that nobody waits for any more."""
        self._streams.pop(stream.number, None)
        self._waiting.discard(stream.number)
        if stream.task is not None:
            stream.task.cancel()
        if stream.reply is None:
            self._desk.gone(stream.call)

    def _part(self) -> None:
        """Close a connection that should end and has nothing under way."""
        if self._ending and not self._streams and not self._transport.is_closing():
            self._h2.close_connection()
            self._flush()
            self._transport.close()

    def _flush(self) -> None:
        data = self._h2.data_to_send()
        if data and not self._transport.is_closing():
            self._transport.write(data)


def _started(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """A task; where Python can, it has run already as far as it goes without waiting."""
    if sys.version_info >= (3, 12):
        return asyncio.Task(work, eager_start=True)
    return asyncio.ensure_future(work)


def _field(pair: tuple[str, str]) -> tuple[str, str]:
    """A trailer; what differs from call to call would only push others out of the tables."""
    if pair == ("grpc-status", "0"):
        return pair
    return cast("tuple[str, str]", NeverIndexedHeaderTuple(*pair))


__all__ = ["Connection"]
