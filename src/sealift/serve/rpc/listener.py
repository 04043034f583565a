"""Listens for connections of gRPC, and ends them in order."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence

from sealift import clock
from sealift.serve.entrance import Entrance
from sealift.serve.rpc.connection import Connection
from sealift.serve.rpc.desk import Desk
from sealift.serve.rpc.rota import Rota

LOOK = 1.0
"""Seconds between two looks at all connections."""

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
        self._entrances: list[Entrance] = []
        self._looking: asyncio.Task[None] | None = None

    def listen(self, sockets: Sequence[socket.socket]) -> None:
        """Listen on sockets that are bound already."""
        for opened in sockets:
            entrance = Entrance(opened, self.connection)
            entrance.open()
            self._entrances.append(entrance)
        self._look_after()

    def connection(self) -> Connection:
        """Who serves a connection that is open already; from the first on, all are looked after."""
        self._look_after()
        return Connection(self._desk, self._connections, self._most, self._rota, self._scratch)

    def drain(self) -> None:
        """Ask clients to go elsewhere; those that connect again are still answered."""
        for connection in list(self._connections):
            connection.drain()

    async def close(self) -> None:
        """Take who waits already, and wait until the calls under way have been answered."""
        for entrance in self._entrances:
            entrance.shut()
            entrance.close()
        while any(entrance.opening for entrance in self._entrances):
            await asyncio.sleep(0)
        for connection in list(self._connections):
            connection.leave()
        while self._connections or self._rota.clearing:
            await asyncio.sleep(PAUSE)
        if self._looking is not None:
            self._looking.cancel()

    def _look_after(self) -> None:
        if self._looking is None:
            self._looking = asyncio.ensure_future(self._look())

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK)
            for connection in list(self._connections):
                connection.look(clock.monotonic())
                # it may have many calls, and so may the next
                await asyncio.sleep(0)
            for entrance in self._entrances:
                entrance.resume()


__all__ = ["Listener"]
