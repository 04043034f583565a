"""gRPC, the code for which is loaded when somebody speaks it, or has a port for it.

Most servers are never spoken to in it, and it is a sixth of all that a server would load.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sealift.serve.access import AccessLog
from sealift.serve.house import House

if TYPE_CHECKING:
    from sealift.serve.rpc.listener import Listener


def load() -> None:
    """Load it now, so that workers which are forked later share it."""
    # by name, so that the layer of the server has it too
    from sealift.serve.rpc import desk, listener  # noqa: PLC0415, F401


class Remote:
    """All that speaks gRPC to a house, at most ``most`` connections."""

    def __init__(self, house: House, access: AccessLog, image: str, most: int) -> None:
        self._house = house
        self._access = access
        self._image = image
        self._most = most
        self._listener: Listener | None = None

    def _opened(self) -> Listener:
        from sealift.serve.rpc.desk import Desk  # noqa: PLC0415
        from sealift.serve.rpc.listener import Listener  # noqa: PLC0415

        if self._listener is None:
            desk = Desk(self._house, self._access, self._image)
            self._listener = Listener(desk, self._most)
        return self._listener

    def listen(self, sockets: Sequence[socket.socket]) -> None:
        """Listen on sockets that are bound already, if there are any."""
        if sockets:
            self._opened().listen(sockets)

    def take_over(self, transport: asyncio.Transport, data: bytes) -> None:
        """Serve a connection that is open already, and has sent something."""
        self._opened().connection().take_over(transport, data)

    def drain(self) -> None:
        """Ask clients to go elsewhere; those that connect again are still answered."""
        if self._listener is not None:
            self._listener.drain()

    async def close(self) -> None:
        """Take no more connections, and wait until the calls under way have been answered."""
        if self._listener is not None:
            await self._listener.close()


__all__ = ["Remote", "load"]
