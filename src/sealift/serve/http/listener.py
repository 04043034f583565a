"""All connections of HTTP to one worker."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from sealift import clock
from sealift.serve.entrance import Entrance
from sealift.serve.http.answers import App, Express
from sealift.serve.http.connection import Connection
from sealift.serve.http.head import Heads
from sealift.serve.http.line import Line

LOOK = 1.0
"""Seconds between looks at all connections."""

PATIENCE = 60.0
"""Seconds in which a head, or a body, must have arrived, and a part of an answer been taken."""

SCRATCH = 1 << 18
"""Bytes that are read at once."""

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
        self.line = Line()
        self.scratch = memoryview(bytearray(SCRATCH))
        self._entrance = Entrance(
            opened, lambda: Connection(self), full=self._full, moved=self._check
        )
        self._most = most
        self._connections: set[Connection] = set()
        self.express = express
        self.ending = False
        self._empty = asyncio.Event()

    async def serve(self) -> None:
        """Answer until ``end``, and until all that was under way then has been answered."""
        self._entrance.open()
        looking = asyncio.ensure_future(self._look())
        await self._empty.wait()
        looking.cancel()

    def shut(self) -> None:
        """Take who waits already, and let the kernel refuse everybody else.

        Nobody is taken any more by others either that hold the socket, until one listens again.
        """
        self._entrance.shut()

    def end(self) -> None:
        """Take no further connections, and end when those that there are have been answered."""
        self.ending = True
        self._entrance.close()
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
        else:
            self._entrance.resume()

    def handed_over(
        self, connection: Connection, transport: asyncio.Transport, data: bytes
    ) -> bool:
        """Let another serve a client of HTTP/2; false where it is none, or nobody does."""
        if self._other is None or not data.startswith(PREFACE):
            return False
        self.left(connection)
        self._other(transport, data)
        return True

    def _full(self) -> bool:
        return len(self._connections) + self._entrance.opening >= self._most

    def _check(self) -> None:
        if self.ending and not (self._connections or self._entrance.opening):
            self._empty.set()

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK)
            now = clock.monotonic()
            for connection in list(self._connections):
                connection.look(now)
            self._entrance.resume()


__all__ = ["Listener"]
