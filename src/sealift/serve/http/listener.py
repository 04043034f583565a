"""All connections of HTTP to one worker."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable

from sealift import clock
from sealift.serve.http.answers import App, Express
from sealift.serve.http.connection import Connection
from sealift.serve.http.head import Heads
from sealift.serve.listening import BACKLOG

LOOK = 1.0
"""Seconds between looks at all connections."""

PATIENCE = 60.0
"""Seconds in which a head, or a body, must have arrived, and a part of an answer been taken."""

SCRATCH = 1 << 18
"""Bytes that are read at once."""

AT_ONCE = 64
"""Connections that are taken in one turn of the event loop."""


PREFACE = b"PRI * HTTP/2.0\r\n\r\n"
"""What clients of HTTP/2 begin with (RFC 9113, 3.4). As HTTP/1.1 it is refused, so that it is
looked for then alone."""


class Listener:
    """Takes connections from a socket that is bound already, ``most`` at a time.

    Others wait in the socket's queue. The socket becomes the listener's. ``other`` goes on with a
    client of HTTP/2 that has sent something already; without it nobody does.
    """

    def __init__(
        self,
        app: App,
        opened: socket.socket,
        *,
        most: int,
        patience: float = PATIENCE,
        other: Callable[[asyncio.Transport, bytes], None] | None = None,
        express: Express | None = None,
    ) -> None:
        self.app = app
        self._other = other
        self.patience = patience
        self.heads = Heads()
        self.scratch = memoryview(bytearray(SCRATCH))
        self._socket = socket.socket(fileno=opened.detach())
        self._most = most
        self._connections: set[Connection] = set()
        self._opening: set[asyncio.Task[object]] = set()
        self._taking = False
        self.express = express
        self.ending = False
        self._empty = asyncio.Event()

    async def serve(self) -> None:
        """Answer until ``end``, and until all that was under way then has been answered."""
        self._socket.setblocking(False)
        self._socket.listen(BACKLOG)
        self._take()
        looking = asyncio.ensure_future(self._look())
        await self._empty.wait()
        looking.cancel()

    def shut(self) -> None:
        """Take who waits already, and let the kernel refuse everybody else.

        Nobody is taken any more by others either that hold the socket, until one listens again.
        """
        while self._accept():
            pass
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RD)

    def end(self) -> None:
        """Take no further connections, and end when those that there are have been answered."""
        self.ending = True
        self._rest()
        self._socket.close()
        for connection in list(self._connections):
            connection.end()
        self._check()

    def entered(self, connection: Connection) -> None:
        """A connection was opened."""
        self._connections.add(connection)

    def left(self, connection: Connection) -> None:
        """A connection was closed."""
        self._connections.discard(connection)
        if self.ending:
            self._check()
        elif not self._taking:
            self._take()

    def handed_over(
        self, connection: Connection, transport: asyncio.Transport, data: bytes
    ) -> bool:
        """Let another serve a client of HTTP/2; false where it is none, or nobody does."""
        if self._other is None or not data.startswith(PREFACE):
            return False
        self.left(connection)
        self._other(transport, data)
        return True

    def _check(self) -> None:
        if not self._connections and not self._opening:
            self._empty.set()

    def _take(self) -> None:
        self._taking = True
        asyncio.get_running_loop().add_reader(self._socket, self._accept)

    def _rest(self) -> None:
        if self._taking:
            self._taking = False
            asyncio.get_running_loop().remove_reader(self._socket)

    def _accept(self) -> bool:
        """Take some who wait; whether others may wait who can be taken."""
        loop = asyncio.get_running_loop()
        for _ in range(AT_ONCE):
            if len(self._connections) + len(self._opening) >= self._most:
                self._rest()
                return False
            try:
                accepted, _ = self._socket.accept()
            except (BlockingIOError, ConnectionAbortedError, InterruptedError):
                return False
            except OSError:
                # no files or no memory are left; ``_look`` tries again
                self._rest()
                return False
            accepted.setblocking(False)
            opening = loop.create_task(self._open(accepted))
            self._opening.add(opening)
            opening.add_done_callback(self._opened)
        return True

    def _opened(self, opening: asyncio.Task[object]) -> None:
        self._opening.discard(opening)
        if self.ending:
            self._check()

    async def _open(self, accepted: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(lambda: Connection(self), accepted)
        except OSError:
            accepted.close()

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK)
            now = clock.monotonic()
            for connection in list(self._connections):
                connection.look(now)
            if not self._taking and not self.ending and len(self._connections) < self._most:
                self._take()


__all__ = ["Listener"]
