"""The entrance: takes clients from a listening socket, a few in each turn of the event loop.

To set a connection up costs more than to answer a request. So those who connect wait in the
system's queue, and whoever is in already is answered meanwhile, however many come at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable

from sealift.serve.listening import BACKLOG
from sealift.serve.tap import reset

AT_ONCE = 8
"""Connections that are set up in one turn of the event loop."""

LOOKED_AT = 64
"""Connections that are looked at in one turn: of most of them the client may have gone."""


class Entrance:
    """Makes a protocol for each client of a socket that is bound already, which becomes its own.

    Nobody is taken while it is ``full``, until ``resume``; ``moved`` is called when one that was
    taken has been set up, or could not be.
    """

    def __init__(
        self,
        opened: socket.socket,
        made: Callable[[], asyncio.BaseProtocol],
        *,
        full: Callable[[], bool] = lambda: False,
        moved: Callable[[], None] = lambda: None,
    ) -> None:
        self._socket = socket.socket(fileno=opened.detach())
        self._made = made
        self._full = full
        self._moved = moved
        self._opening: set[asyncio.Task[None]] = set()
        self._taking = self._closed = False

    @property
    def opening(self) -> int:
        """Clients that were taken and are not set up yet."""
        return len(self._opening)

    def open(self) -> None:
        """Listen."""
        self._socket.setblocking(False)
        self._socket.listen(BACKLOG)
        self.resume()

    def resume(self) -> None:
        """Take clients again, if none were taken."""
        if not (self._taking or self._closed or self._full()):
            self._taking = True
            asyncio.get_running_loop().add_reader(self._socket, self._take)

    def shut(self) -> None:
        """Take who waits already, and let the system refuse everybody else.

        Nobody is taken any more by others either that hold the socket, until one listens again.
        """
        while self._take():
            pass
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RD)

    def close(self) -> None:
        """Take nobody any more."""
        self._rest()
        self._closed = True
        self._socket.close()

    def _rest(self) -> None:
        if self._taking:
            self._taking = False
            asyncio.get_running_loop().remove_reader(self._socket)

    def _take(self) -> bool:
        """Take some who wait; whether others may wait who can be taken."""
        left = AT_ONCE
        for _ in range(LOOKED_AT):
            if self._full():
                self._rest()
                return False
            try:
                accepted, _ = self._socket.accept()
            except (BlockingIOError, ConnectionAbortedError, InterruptedError):
                return False
            except OSError:
                # no files or no memory are left; whoever looks after clients tries again
                self._rest()
                return False
            if reset(accepted):
                accepted.close()
                continue
            self._set_up(accepted)
            left -= 1
            if not left:
                break
        return True

    def _set_up(self, accepted: socket.socket) -> None:
        accepted.setblocking(False)
        opening = asyncio.get_running_loop().create_task(self._open(accepted))
        self._opening.add(opening)
        opening.add_done_callback(self._opened)

    def _opened(self, opening: asyncio.Task[None]) -> None:
        self._opening.discard(opening)
        self._moved()
        # it may have been counted twice, as set up already and not yet
        self.resume()

    async def _open(self, accepted: socket.socket) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(self._made, accepted)
        except OSError:
            accepted.close()


__all__ = ["AT_ONCE", "LOOKED_AT", "Entrance"]
