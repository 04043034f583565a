"""One call on a connection: the message that comes, and the reply that goes."""

from __future__ import annotations

import asyncio

from sealift import clock
from sealift.serve.refusal import RefusalError
from sealift.serve.rpc.call import RemoteCall
from sealift.serve.rpc.desk import PREFIX, Desk, Reply


class Stream:
    """What is known of a call: ``since`` is when something last moved.

    ``rest`` is what the client has not yet made room for; ``whole`` once its message came.
    """

    __slots__ = (
        "_desk", "_pieces", "_size", "_wanted", "call", "number", "reply", "rest", "since",
        "task", "whole",
    )  # fmt: skip

    def __init__(self, number: int, call: RemoteCall, desk: Desk) -> None:
        self.number = number
        self.call = call
        self.since = clock.monotonic()
        self.task: asyncio.Task[None] | None = None
        self.reply: Reply | None = None
        self.rest = memoryview(b"")
        self.whole = False
        self._desk = desk
        self._pieces: list[bytes] = []
        self._size = 0
        self._wanted = -1

    def take(self, piece: bytes) -> None:
        """Keep a piece of the message.

        Raises ``RefusalError`` as soon as the message is known to be too large or too long.
        """
        self._desk.came(self.call, len(piece))
        self._pieces.append(piece)
        self._size += len(piece)
        if self._wanted < 0:
            if self._size < PREFIX:
                return
            head = piece if len(piece) == self._size else b"".join(self._pieces)
            self._wanted = PREFIX + self._desk.measured(head)
        if self._size > self._wanted:
            raise RefusalError("The call must hold one message.", code="length", path="message")

    def body(self) -> bytes:
        """All pieces."""
        pieces, self._pieces = self._pieces, []
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


__all__ = ["Stream"]
