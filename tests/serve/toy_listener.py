"""A listener in this process, an application without a model, and a connection in memory."""

import asyncio

from sealift import clock
from sealift.serve import listening
from sealift.serve.admission import Room
from sealift.serve.gone import GoneError
from sealift.serve.http.connection import Connection
from sealift.serve.http.head import Heads as Read
from sealift.serve.http.line import Line
from sealift.serve.http.listener import Listener
from sealift.serve.http.written import Heads
from sealift.serve.refusal import RefusalError


class Reader:
    """Answers the length of a body, or why there is none; what it does instead is in the path.

    ``/wait`` answers once ``gate`` is set or gives up when the client has gone, ``/raise`` and
    ``/wait/raise`` fail, ``/large`` answers a million bytes, ``/refuse`` does not want the body.
    """

    def __init__(self):
        self.heads = Heads([])
        self.room = Room(1 << 20)
        self.refusals = []
        self.gate = asyncio.Event()
        self.gone = 0

    async def answer(self, call):
        """Answer a request."""
        if call.path.startswith("/wait"):
            try:
                await self._wait(call)
            except GoneError:
                self.gone += 1
                return
        if call.path.endswith("/raise"):
            raise ZeroDivisionError
        told, last = await self._said(call), not call.head.keeps
        last = not (call.whole or await call.spared()) or last
        head = self.heads.written(200, "text/plain", "", len(told), ())
        call.sender.send(head, told, last=last)

    def malformed(self, refusal):
        """The answer to what is no request."""
        body = refusal.code.encode()
        return self.heads.written(refusal.status, "text/plain", "", len(body), ()) + body

    async def _wait(self, call):
        opened = asyncio.ensure_future(self.gate.wait())
        left = asyncio.ensure_future(call.sender.client_disconnect())
        await asyncio.wait((opened, left), return_when="FIRST_COMPLETED")
        left.cancel()
        opened.cancel()
        if not self.gate.is_set():
            raise GoneError

    async def _said(self, call):
        if call.path == "/large":
            return b"x" * 1_000_000
        if call.path == "/refuse":
            return b"refused"
        try:
            return str(len(await call.body(1000, Room(1000)))).encode()
        except RefusalError as refusal:
            self.refusals.append((refusal.status, refusal.code))
            return b"refused"


def listened(scene, **options):
    """What ``scene(app, opening)`` gives beside a listener; ``opening()`` is a new connection."""

    async def play():
        app = Reader()
        (bound,) = listening.bound("127.0.0.1", [0])
        port = bound.getsockname()[1]
        listener = Listener(app, bound, **({"most": 8} | options))
        serving = asyncio.create_task(listener.serve())
        await asyncio.sleep(0)
        outs = []

        async def opening():
            come, out = await asyncio.open_connection("127.0.0.1", port)
            outs.append(out)
            return come, out

        try:
            async with asyncio.timeout(30):
                return await scene(app, opening)
        finally:
            for out in outs:
                out.close()
            listener.end()
            await asyncio.wait_for(serving, 30)

    return asyncio.run(play())


class Wire(asyncio.Transport):
    """A transport in memory: ``unsent`` is what the client has not taken of what was written."""

    def __init__(self):
        super().__init__()
        self.written = []
        self.unsent = 0
        self.reads = True
        self.closed = self.aborted = False

    def write(self, data):
        """Note it."""
        self.written.append(bytes(data))

    def get_write_buffer_size(self):
        """Bytes."""
        return self.unsent

    def pause_reading(self):
        """No more."""
        self.reads = False

    def resume_reading(self):
        """More."""
        self.reads = True

    def is_closing(self):
        """Whether it ends."""
        return self.closed or self.aborted

    def can_write_eof(self):
        """It cannot."""
        return False

    def close(self):
        """End, when all is taken."""
        self.closed = True

    def abort(self):
        """End."""
        self.aborted = True


def given(connection, wire, data):
    """Let a connection take data: as much at once as it has room for, while it reads; the rest."""
    while data and wire.reads:
        room = connection.get_buffer(-1)
        size = min(len(room), len(data))
        room[:size] = data[:size]
        connection.buffer_updated(size)
        data = data[size:]
    return data


class Door:
    """Where one connection comes in, maybe beside others; ``come`` is what its client sends."""

    patience = 60.0
    express = None
    ending = False

    def __init__(self, app=None, line=None):
        self.app = app or Reader()
        self.line = line or Line()
        self.heads = Read()
        self.scratch = memoryview(bytearray(1 << 18))
        self.wire = Wire()
        self.connection = Connection(self)
        self.connection.connection_made(self.wire)
        self.began = clock.monotonic()

    def entered(self, connection):
        """A connection was opened."""

    def left(self, connection):
        """A connection was closed."""

    def handed_over(self, connection, transport, data):
        """To nobody."""
        return False

    def come(self, data):
        """As from the event loop."""
        return given(self.connection, self.wire, data)

    def look(self, seconds):
        """As the listener does, so many seconds after the beginning."""
        self.connection.look(self.began + seconds)
