"""Whether what a client sends is read."""

from __future__ import annotations

import asyncio
import socket
from asyncio.trsock import TransportSocket


class Tap:
    """Lets a transport be read, or leaves what comes with the client."""

    __slots__ = ("_closed", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._closed = False

    @property
    def gone(self) -> bool:
        """Whether the client has reset its connection: nobody hears of that who does not read."""
        if not self._closed or self._transport.is_closing():
            return False
        file = self._transport.get_extra_info("socket")
        return file is not None and reset(file)

    def close(self) -> None:
        """Read no more."""
        if not self._closed and not self._transport.is_closing():
            self._closed = True
            self._transport.pause_reading()

    def end(self) -> None:
        """Let go of a transport that is lost.

        Those of asyncio hold methods of their own, which only some ways to end them undo: with its
        socket each would wait for Python's collector.
        """
        for name in ("_read_ready_cb", "_write_ready"):
            if hasattr(self._transport, name):
                setattr(self._transport, name, None)

    def open(self) -> None:
        """Go on."""
        if self._closed and not self._transport.is_closing():
            self._closed = False
            self._transport.resume_reading()


def reset(file: socket.socket | TransportSocket) -> bool:
    """Whether a client has reset its connection: it can be told nothing."""
    return file.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0


__all__ = ["Tap", "reset"]
