"""Listens for connections of gRPC, and ends them in order."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence

from sealift import clock
from sealift.serve.listening import BACKLOG
from sealift.serve.rpc.connection import Connection
from sealift.serve.rpc.desk import Desk
from sealift.serve.rpc.rota import Rota

LOOK = 1.0
"""Seconds between two looks at all connections."""

AT_ONCE = 64
"""Connections that are taken in one turn of the event loop."""

SCRATCH = 1 << 18
"""Bytes that are read at once at most."""

PAUSE = 0.02
"""Seconds between two looks at whether all have ended."""


class Listener:
    """All connections of gRPC to one server, at most ``most``."""

    def __init__(self, desk: Desk, most: int) -> None:
        self._desk = desk
        self._most = most
        self._connections: set[Connection] = set()
        self._rota = Rota()
        self._scratch = memoryview(bytearray(SCRATCH))
        self._servers: list[asyncio.Server] = []
        self._looking: asyncio.Task[None] | None = None

    async def listen(self, sockets: Sequence[socket.socket]) -> None:
        """Listen on sockets that are bound already."""
        loop = asyncio.get_running_loop()
        for opened in sockets:
            # it takes as many in one turn as it lets wait; more may wait than that
            server = await loop.create_server(self.connection, sock=opened, backlog=AT_ONCE)
            opened.listen(BACKLOG)
            self._servers.append(server)

    def connection(self) -> Connection:
        """Who serves a connection that is open already; from the first on, all are looked after."""
        if self._looking is None:
            self._looking = asyncio.ensure_future(self._look())
        return Connection(self._desk, self._connections, self._most, self._rota, self._scratch)

    def drain(self) -> None:
        """Ask clients to go elsewhere; those that connect again are still answered."""
        for connection in list(self._connections):
            connection.drain()

    async def close(self) -> None:
        """Take no more connections, and wait until the calls under way have been answered."""
        for server in self._servers:
            server.close()
        for connection in list(self._connections):
            connection.leave()
        while self._connections or self._rota.clearing:
            await asyncio.sleep(PAUSE)
        if self._looking is not None:
            self._looking.cancel()

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK)
            for connection in list(self._connections):
                connection.look(clock.monotonic())
                # it may have many calls, and so may the next
                await asyncio.sleep(0)


__all__ = ["Listener"]
