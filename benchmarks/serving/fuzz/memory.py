"""The whole server in memory, asked as Granian asks it, without a socket between."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sealift.serve.access import AccessLog
from sealift.serve.app import App
from sealift.serve.artifact import read
from sealift.serve.board import Board, Seat
from sealift.serve.house import House
from sealift.serve.limits import Limits
from sealift.serve.ready import Readiness, certify
from sealift.serve.service import Service


class FaultError(Exception):
    """An answer that no input may cause."""


class Scope:
    """A request as Granian hands it over."""

    proto, http_version, method, scheme = "http", "1.1", "POST", "http"
    authority, server, client, query_string = "x", "x", "x:1", ""

    def __init__(self, path: str, headers: dict[str, str]) -> None:
        self.path = path
        self.headers = headers


class Protocol:
    """The body, and the answer."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.status = 0
        self.answer = b""

    async def __call__(self) -> bytes:
        """The body, whole."""
        return self._body

    async def client_disconnect(self) -> None:
        """The client stays."""
        await asyncio.Event().wait()

    def response_bytes(self, status: int, _headers: list[tuple[str, str]], body: bytes) -> None:
        """Take the answer."""
        self.status, self.answer = status, bytes(body)


class Memory:
    """A server of the model in a folder. Raises ``FaultError`` for what no input may cause."""

    def __init__(self, folder: Path) -> None:
        self._loop = asyncio.new_event_loop()
        self._pool = ThreadPoolExecutor(1)
        artifact = read(folder)
        outcome = certify(artifact, threads=1)
        if isinstance(outcome, str):
            raise FaultError(outcome)
        seat = Seat(Board(1), 0)
        service = Service(artifact, Readiness(), None, Limits(), seat)
        service.install(outcome, self._pool, 1)
        service.readiness.set("ready")
        self._app = App(House([service], Limits(), seat), AccessLog("none"), "")

    def ask(self, path: str, headers: dict[str, str], body: bytes) -> int:
        """The status of the answer."""
        protocol = Protocol(body)
        scope = Scope(path, {**headers, "content-length": str(len(body))})
        asked: Any = (scope, protocol)  # Granian's own cannot be made from Python
        self._loop.run_until_complete(self._app.__rsgi__(*asked))
        if not 200 <= protocol.status < 500:
            raise FaultError(f"status {protocol.status}: {protocol.answer[:200]!r}")
        if protocol.status >= 400 and "error" not in json.loads(protocol.answer):
            raise FaultError(f"status {protocol.status} without a reason")
        return protocol.status

    def close(self) -> None:
        """End its threads."""
        self._loop.close()
        self._pool.shutdown()


__all__ = ["FaultError", "Memory"]
