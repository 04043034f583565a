"""One stream of a connection: what comes in it, and what is still to go out."""

from __future__ import annotations

import asyncio

from sealift import clock
from sealift.serve.refusal import RefusalError
from sealift.serve.rpc.call import RemoteCall
from sealift.serve.rpc.desk import PREFIX, Desk
from sealift.serve.rpc.flow import Inflow

NOTHING = memoryview(b"")


class Stream:
    """What is known of a call: ``since`` is when something last moved.

    ``whole`` once the client has sent all, ``answering`` once its answer goes out. ``rest`` is
    what the client has not yet made room for, and ``tail`` what goes behind it; ``reserved``
    counts what of this takes room. ``room`` is how much the client takes now.
    """

    __slots__ = (
        "_desk", "_held", "_wanted", "answering", "call", "inflow", "number", "reserved", "rest",
        "room", "sent", "since", "size", "tail", "task", "whole",
    )  # fmt: skip

    def __init__(self, number: int, call: RemoteCall, desk: Desk, room: int) -> None:
        self.number = number
        self.call = call
        self.room = room
        self.since = clock.monotonic()
        self.task: asyncio.Task[None] | None = None
        self.sent: asyncio.Future[None] | None = None
        self.whole = self.answering = False
        self.rest = NOTHING
        self.tail = b""
        self.reserved = 0
        self.size = 0
        self.inflow = Inflow(desk.window)
        self._desk = desk
        self._held: bytes | bytearray = b""
        self._wanted = -1

    @property
    def empty(self) -> bool:
        """Whether no part of a message is held."""
        return not self._held

    @property
    def as_long_as_told(self) -> bool:
        """Whether as much has come as the client has said, if it has."""
        told = self.call.metadata.get("content-length")
        return told is None or told == str(self.size)

    def take(self, piece: bytes) -> None:
        """Keep a piece. Raises ``RefusalError`` when there is no room for it."""
        self.size += len(piece)
        self._desk.came(self.call, len(piece))
        if not self._held:
            self._held = piece
            return
        if isinstance(self._held, bytes):
            self._held = bytearray(self._held)
        self._held += piece

    def measure(self) -> None:
        """Look at the one message that a call should hold.

        Raises ``RefusalError`` as soon as it is known to be too large or too long.
        """
        if self._wanted < 0 and len(self._held) >= PREFIX:
            self._wanted = PREFIX + self._desk.measured(self._held)
        if 0 <= self._wanted < len(self._held):
            raise RefusalError("The call must hold one message.", code="length", path="message")

    def body(self) -> bytes | bytearray:
        """All that came."""
        held, self._held = self._held, b""
        return held

    def message(self) -> bytes | bytearray | None:
        """The next of several messages with its prefix, if it is whole.

        Raises ``RefusalError`` for one that is too large.
        """
        held = self._held
        if len(held) < PREFIX:
            return None
        wanted = PREFIX + self._desk.measured(held)
        if len(held) < wanted:
            return None
        if len(held) == wanted:
            self._held = b""
            return held
        taken = bytes(held[:wanted])
        if isinstance(held, bytes):
            held = self._held = bytearray(held)
        del held[:wanted]
        return taken


__all__ = ["NOTHING", "Stream"]
