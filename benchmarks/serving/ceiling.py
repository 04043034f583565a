"""What ours cannot beat: the same HTTP server, which only reads, or echoes.

``python -m benchmarks.serving.ceiling echo|read PORT WORKERS``.
"""

from __future__ import annotations

import asyncio
import sys

from sealift import process
from sealift.serve import listening
from sealift.serve.admission import Room
from sealift.serve.answer import JSON, refused
from sealift.serve.http.answers import Client
from sealift.serve.http.head import Head
from sealift.serve.http.listener import Listener
from sealift.serve.http.request import Request
from sealift.serve.http.written import Heads
from sealift.serve.refusal import RefusalError
from sealift.serve.turn import Loop

LARGEST = 1 << 30
"""Bytes of a body."""


class Ceiling:
    """Answers the body of each request, or with ``lengths`` how many bytes it has."""

    def __init__(self, *, lengths: bool) -> None:
        self._lengths = lengths
        self._heads = Heads([])
        self.room = Room(LARGEST)
        self._taken: list[tuple[Client, bytes]] = []

    async def answer(self, call: Request) -> None:
        """Answer a request."""
        body = await call.body(LARGEST, self.room)
        self.room.give_back(call)
        head, told = self._told(body)
        call.sender.send(head, told, last=False)

    def take(self, client: Client, _head: Head, body: bytes) -> bool:
        """Answer a request that came whole at the end of the turn, as plain ones are."""
        self._taken.append((client, body))
        return True

    def give(self) -> bool:
        """Answer what was taken; whether there was any."""
        taken, self._taken = self._taken, []
        for client, body in taken:
            client.told(b"".join(self._told(body)))
        return bool(taken)

    def _told(self, body: bytes) -> tuple[bytes, bytes]:
        told = str(len(body)).encode() if self._lengths else body
        return self._heads.written(200, JSON, "", len(told), ()), told

    def malformed(self, refusal: RefusalError) -> bytes:
        """The answer to what is no request."""
        body = refused(refusal).body
        return self._heads.written(refusal.status, JSON, "", len(body), ()) + body


def main(what: str, port: int, workers: int) -> None:
    """Serve until told to end."""
    for _ in range(workers - 1):
        process.fork(lambda: _serve(what, port))
    _serve(what, port)


def _serve(what: str, port: int) -> int:
    ceiling, loop = Ceiling(lengths=what == "read"), Loop()
    loop.turns.ended = ceiling.give

    async def serving() -> None:
        (opened,) = listening.bound("127.0.0.1", [port])
        await Listener(ceiling, opened, most=1024, express=ceiling).serve()

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(serving())
    return 0


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))


__all__ = ["Ceiling", "main"]
