"""The whole server in memory, asked as the event loop asks it, without a socket between."""

from __future__ import annotations

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from sealift.serve.access import AccessLog
from sealift.serve.app import App
from sealift.serve.artifact import read
from sealift.serve.board import Board, Seat
from sealift.serve.guard import Guard
from sealift.serve.house import House
from sealift.serve.http.answers import App as Answers
from sealift.serve.http.answers import Express
from sealift.serve.http.connection import Connection
from sealift.serve.http.head import Heads
from sealift.serve.http.line import Line
from sealift.serve.http.listener import SCRATCH
from sealift.serve.limits import Limits
from sealift.serve.ready import Readiness, certify
from sealift.serve.recorder import Recorder
from sealift.serve.service import Service
from sealift.serve.turn import Loop

PATIENCE = 20.0
"""Seconds that an answer may take."""


class FaultError(Exception):
    """An answer that no input may cause."""


class Wire(asyncio.Transport):
    """A connection's other end: takes what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.answer = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Take a piece of an answer."""
        self.answer += data

    def write_eof(self) -> None:
        """The server writes no more."""

    def can_write_eof(self) -> bool:
        """It may say so."""
        return True

    def is_closing(self) -> bool:
        """Never."""
        return False

    def close(self) -> None:
        """Nothing is there to be closed."""

    def abort(self) -> None:
        """Nothing is there to be closed."""

    def pause_reading(self) -> None:
        """What is fed, is fed."""

    def resume_reading(self) -> None:
        """What is fed, is fed."""


class Entrance:
    """Where connections come in."""

    def __init__(self, app: App) -> None:
        self.app: Answers = app
        self.express: Express | None = app.express
        self.ending = False
        self.heads = Heads()
        self.line = Line()
        self.scratch = memoryview(bytearray(SCRATCH))
        self.patience = 60.0

    def entered(self, connection: Connection) -> None:
        """Nobody counts them."""

    def left(self, connection: Connection) -> None:
        """Nobody counts them."""

    def handed_over(
        self, _connection: Connection, _transport: asyncio.Transport, _data: bytes
    ) -> bool:
        """Nobody else is there."""
        return False


def posted(path: str, headers: dict[str, str], body: bytes) -> bytes:
    """A request as it travels."""
    fields = {**headers, "host": "x", "content-length": str(len(body))}
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


class Memory:
    """A server of the model in a folder. Raises ``FaultError`` for what no input may cause.

    With ``slow`` it expects a call of the model to take a second, and gives it a thread.
    """

    def __init__(
        self, folder: Path, recorder: Recorder | None = None, *, slow: bool = False
    ) -> None:
        self._loop = Loop()
        self._pool = ThreadPoolExecutor(1)
        artifact = read(folder)
        outcome = certify(artifact, threads=1)
        if isinstance(outcome, str):
            raise FaultError(outcome)
        self.certified = outcome = msgspec.structs.replace(outcome, call=1.0) if slow else outcome
        seat = Seat(Board(1), 0)
        self.service = Service(
            artifact, Readiness(), recorder, Limits(), seat, guard=Guard(artifact.contract)
        )
        self.service.install(outcome, self._pool, 1)
        self.service.readiness.set("ready")
        app = App(House([self.service], Limits(), seat), AccessLog("none"), "")
        app.express.attend(self._loop.turns)
        self._entrance = Entrance(app)
        self._dial()

    def _dial(self) -> None:
        self._wire = Wire()
        self._connection = Connection(self._entrance)
        self._connection.connection_made(self._wire)

    def asked(self, request: bytes) -> bytes:
        """The answer to a request, both as they travel."""
        self._wire.answer = b""
        begin = 0
        while begin < len(request):
            room = self._connection.get_buffer(-1)
            piece = request[begin : begin + len(room)]
            room[: len(piece)] = piece
            begin += len(piece)
            self._loop.run_until_complete(self._given(len(piece)))
        if not self._wire.answer:
            self._loop.run_until_complete(self._answered())
        return self._wire.answer

    def seconds(self, request: bytes, count: int) -> float:
        """Processor time of so many requests, one after the other; each is small."""
        return self._loop.run_until_complete(self._timed(request, count))

    async def _timed(self, request: bytes, count: int) -> float:
        wire, connection, size = self._wire, self._connection, len(request)
        began = time.process_time()
        for _ in range(count):
            wire.answer = b""
            connection.get_buffer(-1)[:size] = request
            connection.buffer_updated(size)
            while not wire.answer:
                await asyncio.sleep(0)
        return time.process_time() - began

    async def _given(self, count: int) -> None:
        self._connection.buffer_updated(count)

    async def _answered(self) -> None:
        until = self._loop.time() + PATIENCE
        while not self._wire.answer and self._loop.time() < until:
            await asyncio.sleep(0)

    def ask(self, path: str, headers: dict[str, str], body: bytes) -> int:
        """The status of the answer."""
        head, _, told = self.asked(posted(path, headers, body)).partition(b"\r\n\r\n")
        status = int(head[9:12] or 0)
        if b"\r\nconnection: close" in head:
            self._dial()
        if not 200 <= status < 500:
            raise FaultError(f"status {status}: {told[:200]!r}")
        if status >= 400 and "error" not in json.loads(told):
            raise FaultError(f"status {status} without a reason")
        return status

    def close(self) -> None:
        """End its threads."""
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()
        self._pool.shutdown()


__all__ = ["Entrance", "FaultError", "Memory", "Wire", "posted"]
