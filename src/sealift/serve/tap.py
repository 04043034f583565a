"""Whether what a client sends is read."""

from __future__ import annotations

import asyncio


class Tap:
    """Lets a transport be read, or leaves what comes with the client."""

    __slots__ = ("_closed", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._closed = False

    def close(self) -> None:
        """Read no more."""
        if not self._closed and not self._transport.is_closing():
            self._closed = True
            self._transport.pause_reading()

    def open(self) -> None:
        """Go on."""
        if self._closed and not self._transport.is_closing():
            self._closed = False
            self._transport.resume_reading()


__all__ = ["Tap"]
