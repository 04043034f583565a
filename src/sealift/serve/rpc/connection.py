"""A connection of HTTP/2 that carries calls of gRPC.

Written after "gRPC over HTTP2" (the gRPC documents) and RFC 9113. What has come and is kept is
counted against the server's room, but for a few KiB.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ClassVar, cast

from sealift import clock
from sealift.serve.rpc import allowance, fields, frames, shares
from sealift.serve.rpc.blocks import Blocks
from sealift.serve.rpc.calls import PATIENCE, Calls
from sealift.serve.rpc.desk import Desk
from sealift.serve.rpc.frames import (
    ACK,
    ENHANCE_YOUR_CALM,
    PROTOCOL_ERROR,
    WIDEST,
    FaultError,
    Frames,
)
from sealift.serve.rpc.outflow import Outflow
from sealift.serve.rpc.rota import Quantum, Rota
from sealift.serve.rpc.unread import Unread
from sealift.serve.tap import Tap

SILENCE = 20.0
"""Seconds that a connection, silent for ``PATIENCE``, has to show that it lives."""

IDLE = 5.0
"""Seconds after which a connection without calls is ended, in order: who has more to ask opens
another, and a router that has sent its calls elsewhere holds none to a version that is to end."""

NARROW = 1 << 15
"""Bytes that are read at once of a client, as long as they do not hold few frames."""

WAITING = 1 << 14
"""Bytes of what waits for its turn that are held of each client; for more there must be room."""

FREE = 1 << 12
"""The same for what is not whole."""

HURRY = 256
"""Frames that are read at once where there is no room to hold them."""

LINGER = 1.0
"""Seconds for which a client that made a mistake is heard, but not listened to."""

_PING = b"sealift\0"
_PARTING = b"parting\0"


class Connection(asyncio.BufferedProtocol):
    """Calls on one connection; it is in ``others`` as long as it is open.

    What has come is worked through in turns of the ``rota``; no more is read until that is done.
    ``scratch`` is where all connections read.
    """

    def __init__(
        self, desk: Desk, others: set[Connection], most: int, rota: Rota, scratch: memoryview
    ) -> None:
        self._desk = desk
        self._others = others
        self._most = most
        self._rota = rota
        self._scratch = scratch
        self._reach = NARROW
        self._frames = Frames()
        self._blocks = Blocks()
        self._unread = Unread(desk.room)
        self._quantum = Quantum()
        self._allowance = allowance.Allowance()
        self._heard = clock.monotonic()
        self._asked = self._greeted = self._ending = self._told = self._failed = False
        self._more = self._entered = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet the client, unless there are too many."""
        self._transport = cast("asyncio.Transport", transport)
        self._tap = Tap(self._transport)
        self._out = Outflow(self._transport, self._allowance)
        self._calls = Calls(
            self._desk,
            self._out,
            self._allowance,
            self._quantum,
            idle=self._part,
            late=self._enter,
        )
        if len(self._others) >= self._most:
            self._transport.abort()
            return
        self._others.add(self)
        offered = {
            frames.MAX_CONCURRENT_STREAMS: shares.STREAMS,
            frames.INITIAL_WINDOW_SIZE: self._desk.window,
            frames.MAX_HEADER_LIST_SIZE: fields.LIST,
        }
        self._out.put(frames.settings(offered))
        self._out.put(frames.window(0, Calls.window(self._desk) - frames.WINDOW))
        self._out.release()

    def take_over(self, transport: asyncio.Transport, data: bytes) -> None:
        """Go on with a client that somebody else has read this of."""
        transport.set_protocol(self)
        self.connection_made(transport)
        self.come(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Give up all calls, in turns."""
        self._others.discard(self)
        self._tap.end()
        self._forget()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002
        """Where to put what comes."""
        return self._scratch[: self._reach]

    def buffer_updated(self, nbytes: int) -> None:
        """Take what came."""
        self.come(bytes(self._scratch[:nbytes]))
        # who sends much in few frames may send more at once
        self._reach = len(self._scratch) if nbytes >= NARROW and not self._more else NARROW

    def come(self, data: bytes) -> None:
        """Take what came."""
        if self._failed:
            return
        self._frames.add(data)
        if not self._entered and self._rota.prompt(self):
            return
        self._more = True
        if not self._entered:
            self._entered = True
            self._rota.arrive(self, known=self._greeted)
        self._flow()

    def work(self, most: int) -> int:
        """Do some of what is to be done; the number of frames, and of requests of streams."""
        self._entered = False
        if self._tap.gone:
            self.abort()
        if self._failed or self._transport.is_closing():
            return 0
        self._heard, self._asked = clock.monotonic(), False
        self._quantum.give(most)
        self._out.held = True
        try:
            self._calls.catch_up()
            self._read()
            if (self._frames or self._blocks or self._unread.reserved) and not self._kept():
                self._hurry()
        except FaultError as fault:
            self._fail(fault)
        finally:
            self._out.held = False
            self._out.release()
        done = self._quantum.end()
        if self._calls.behind or (self._more and not self._out.full):
            self._enter()
        self._flow()
        return done

    def pause_writing(self) -> None:
        """Take no more from a client that does not take what it is sent."""
        self._out.full = True
        self._flow()

    def resume_writing(self) -> None:
        """Go on."""
        self._out.full = False
        self._calls.push()
        self._out.release()
        if self._more:
            self._enter()
        self._flow()

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
        silent = 0.0 if self._entered else now - self._heard
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
        self._forget()
        asyncio.get_running_loop().call_later(LINGER, self._transport.abort)

    def _read(self) -> None:
        """Go through frames, as many as there is a quantum for, and the client takes answers."""
        self._more = False
        if self._out.full:
            self._more = len(self._frames) > 0
            return
        for kind, flags, number, content in self._frames.taken():
            self._frame(kind, flags, number, content)
            self._quantum.left -= 1
            self._more = self._quantum.left <= 0 or self._out.full
            if self._more or self._transport.is_closing():
                return

    def _kept(self) -> bool:
        """Hold what could not be read yet; false where there is no room."""
        size = len(self._frames) + len(self._blocks)
        free = WAITING if self._more else FREE
        return self._unread.hold(max(0, size - free))

    def _hurry(self) -> None:
        """Read on where there is no room to wait for another turn: large frames soon are read."""
        self._quantum.give(HURRY)
        if self._more:
            self._read()
        if not self._kept():
            raise FaultError(ENHANCE_YOUR_CALM, "others take all room for what cannot be read yet")

    def _enter(self) -> None:
        if not self._entered and not self._failed:
            self._entered = True
            self._rota.enter(self)

    def _flow(self) -> None:
        """Read on, unless there is enough to do."""
        if self._failed or not (self._more or self._out.full):
            self._tap.open()
        else:
            self._tap.close()

    def _forget(self) -> None:
        """Nothing more is done for the client."""
        self._more = False
        self._frames.clear()
        self._blocks.clear()
        self._unread.hold(0)
        self._rota.leave(self._calls)

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

    def _left(self, _flags: int, number: int, content: bytes) -> None:
        if number:
            raise FaultError(PROTOCOL_ERROR, "it is the connection that ends")
        if len(content) < frames.PARTING:
            raise FaultError(frames.FRAME_SIZE_ERROR, "a parting has eight bytes at least")
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
