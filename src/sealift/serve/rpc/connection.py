"""A connection of HTTP/2 that carries calls of gRPC.

Written after "gRPC over HTTP2" (the gRPC documents) and RFC 9113. Nothing that has come is kept
beyond one frame and the fields of one call, until it is counted against the server's room.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ClassVar, cast

from sealift import clock
from sealift.serve.rpc import allowance, fields, frames
from sealift.serve.rpc.allowance import Allowance
from sealift.serve.rpc.blocks import Blocks
from sealift.serve.rpc.calls import PATIENCE, STREAMS, Calls
from sealift.serve.rpc.desk import Desk
from sealift.serve.rpc.frames import ACK, PROTOCOL_ERROR, WIDEST, FaultError, Frames
from sealift.serve.rpc.outflow import Outflow

SILENCE = 20.0
"""Seconds that a connection, silent for ``PATIENCE``, has to show that it lives."""

IDLE = 5.0
"""Seconds after which a connection without calls is ended, in order: who has more to ask opens
another, and a router that has sent its calls elsewhere holds none to a version that is to end."""

LINGER = 1.0
"""Seconds for which a client that made a mistake is heard, but not listened to."""

_PING = b"sealift\0"
_PARTING = b"parting\0"


class Connection(asyncio.Protocol):
    """Calls on one connection; it is in ``others`` as long as it is open."""

    def __init__(self, desk: Desk, others: set[Connection], most: int) -> None:
        self._desk = desk
        self._others = others
        self._most = most
        self._frames = Frames()
        self._blocks = Blocks()
        self._allowance = Allowance()
        self._heard = clock.monotonic()
        self._asked = self._greeted = self._ending = self._told = self._failed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet the client, unless there are too many."""
        self._transport = cast("asyncio.Transport", transport)
        self._out = Outflow(self._transport, self._allowance)
        self._calls = Calls(self._desk, self._out, self._allowance, self._part)
        if len(self._others) >= self._most:
            self._transport.abort()
            return
        self._others.add(self)
        window = self._desk.window
        self._out.put(
            frames.settings(
                {
                    frames.MAX_CONCURRENT_STREAMS: STREAMS,
                    frames.INITIAL_WINDOW_SIZE: window,
                    frames.MAX_HEADER_LIST_SIZE: fields.LIST,
                }
            )
        )
        self._out.put(frames.window(0, Calls.window(self._desk) - frames.WINDOW))
        self._out.release()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Give up all calls."""
        self._others.discard(self)
        self._calls.give_up()

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        if self._failed:
            return
        self._heard, self._asked = clock.monotonic(), False
        self._out.held = True
        try:
            for kind, flags, number, content in self._frames.taken(data):
                self._frame(kind, flags, number, content)
                if self._transport.is_closing():
                    return
        except FaultError as fault:
            self._fail(fault)
        finally:
            self._out.held = False
            self._out.release()

    def pause_writing(self) -> None:
        """Take no more from a client that does not take what it is sent."""
        self._out.full = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on."""
        self._out.full = False
        self._transport.resume_reading()
        self._calls.push()
        self._out.release()

    def drain(self) -> None:
        """Ask the client for no more calls here; close once those under way are answered."""
        if self._ending or self._transport.is_closing():
            return
        self._ending = True
        # two steps, as RFC 9113 has it (6.8): what was sent before this arrives is still answered
        self._out.put(frames.goaway(WIDEST, frames.NO_ERROR))
        self._out.put(frames.frame(frames.PING, 0, 0, _PARTING))
        self._out.release()

    def leave(self) -> None:
        """Drain, and end streams that would go on for ever."""
        self.drain()
        self._calls.leave()
        self._out.release()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def look(self, now: float) -> None:
        """Give up what does not move, and ask after who is silent."""
        moved = self._out.moved(now)
        if moved > self._heard:
            self._heard, self._asked = moved, False
        self._calls.look(now, moved)
        silent = now - self._heard
        if silent > PATIENCE + SILENCE or (silent > SILENCE and not self._greeted):
            self.abort()
        elif silent > IDLE and self._greeted and not self._calls:
            self.drain()
        elif silent > PATIENCE and not self._asked:
            self._asked = True
            self._out.put(frames.frame(frames.PING, 0, 0, _PING))
        self._out.release()

    def _fail(self, fault: FaultError) -> None:
        """Tell why the connection ends.

        What still comes is thrown away for a moment: the system would forget what was told, if
        something had not been read.
        """
        self._failed = True
        self._out.end(frames.goaway(self._calls.last, fault.code, fault.why))
        self._calls.give_up()
        asyncio.get_running_loop().call_later(LINGER, self._transport.abort)

    def _frame(self, kind: int, flags: int, number: int, content: bytes) -> None:
        if not self._greeted and kind != frames.SETTINGS:
            raise FaultError(PROTOCOL_ERROR, "settings come first")
        if self._blocks.between and kind != frames.CONTINUATION:
            raise FaultError(PROTOCOL_ERROR, "the fields of a call were not whole")
        if kind < len(self._HANDLERS):
            self._HANDLERS[kind](self, flags, number, content)
        else:
            self._allowance.spend()

    def _data(self, flags: int, number: int, content: bytes) -> None:
        self._calls.data(flags, number, content)

    def _fields(self, flags: int, number: int, content: bytes) -> None:
        if block := self._blocks.first(flags, number, content):
            self._calls.begin(*block)

    def _more_fields(self, flags: int, number: int, content: bytes) -> None:
        self._allowance.spend()
        if block := self._blocks.more(flags, number, content):
            self._calls.begin(*block)

    def _settings(self, flags: int, number: int, content: bytes) -> None:
        if number:
            raise FaultError(PROTOCOL_ERROR, "settings belong to no stream")
        if flags & ACK:
            if content:
                raise FaultError(frames.FRAME_SIZE_ERROR, "an acknowledgement is empty")
            self._allowance.spend()
            return
        for name, value in frames.pairs(content):
            self._allowance.spend()
            self._set(name, value)
        self._allowance.spend(allowance.SETTINGS)
        self._greeted = True
        self._out.put(frames.frame(frames.SETTINGS, ACK, 0))
        self._calls.push()

    def _set(self, name: int, value: int) -> None:
        if name == frames.ENABLE_PUSH and value > 1:
            raise FaultError(PROTOCOL_ERROR, "a choice is 0 or 1")
        if name == frames.INITIAL_WINDOW_SIZE:
            if value > WIDEST:
                raise FaultError(frames.FLOW_CONTROL_ERROR, "a window is too wide")
            # many settings in one frame must not go through all streams again and again
            self._allowance.spend(allowance.SETTINGS)
            self._calls.resized(value - self._out.initial)
            self._out.initial = value
        elif name == frames.MAX_FRAME_SIZE and not frames.LARGEST <= value < 1 << 24:
            raise FaultError(PROTOCOL_ERROR, "no such size of frames is allowed")

    def _ping(self, flags: int, number: int, content: bytes) -> None:
        if number:
            raise FaultError(PROTOCOL_ERROR, "a ping belongs to no stream")
        if len(content) != len(_PING):
            raise FaultError(frames.FRAME_SIZE_ERROR, "a ping has eight bytes")
        self._allowance.spend()
        if not flags & ACK:
            self._out.put(frames.frame(frames.PING, ACK, 0, content))
        elif content == _PARTING and self._ending:
            self._told = True
            self._part()

    def _window(self, _flags: int, number: int, content: bytes) -> None:
        self._allowance.spend()
        more = frames.word(content) & WIDEST
        if number:
            self._calls.widened(number, more)
            return
        if not more:
            raise FaultError(PROTOCOL_ERROR, "a window grows by more than nothing")
        self._out.widen(more)
        self._calls.push()

    def _was_reset(self, _flags: int, number: int, content: bytes) -> None:
        frames.word(content)
        self._calls.was_reset(number)

    def _priority(self, _flags: int, number: int, content: bytes) -> None:
        if not number:
            raise FaultError(PROTOCOL_ERROR, "a priority belongs to a stream")
        if len(content) != 5:
            raise FaultError(frames.FRAME_SIZE_ERROR, "a priority has five bytes")
        self._allowance.spend()

    def _promised(self, _flags: int, _number: int, _content: bytes) -> None:
        raise FaultError(PROTOCOL_ERROR, "clients promise nothing")

    def _left(self, _flags: int, number: int, _content: bytes) -> None:
        if number:
            raise FaultError(PROTOCOL_ERROR, "it is the connection that ends")
        self._ending = self._told = True
        self._part()

    def _part(self) -> None:
        """Close a connection that should end and has nothing under way.

        Not before the client knows that it should: it may have sent another call.
        """
        if self._told and not self._calls and not self._transport.is_closing():
            self._out.put(frames.goaway(self._calls.last, frames.NO_ERROR))
            held, self._out.held = self._out.held, False
            self._out.release()
            self._out.held = held
            self._transport.close()

    # a connection that knew methods of its own would know itself, and wait for the collector
    _HANDLERS: ClassVar[tuple[Callable[[Connection, int, int, bytes], None], ...]] = (
        _data,
        _fields,
        _priority,
        _was_reset,
        _settings,
        _promised,
        _ping,
        _left,
        _window,
        _more_fields,
    )


__all__ = ["Connection"]
