"""A tiny model server, for tests of what stands before one: ``python -m sealift.testing.backend``.

It answers every GET with 200 and every POST with its version and the generation in the request's
headers. ``SEALIFT_PORT`` and ``SEALIFT_TESTING_VERSION`` are set by :func:`start`.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

from sealift import clock, process
from sealift.errors import MachineError
from sealift.loopback import HOST, free_port, get

_READY = "/v2/health/ready"


class Backend:
    """A running server of one version."""

    def __init__(self, version: int, port: int, pid: int) -> None:
        self.version = version
        self.port = port
        self.pid = pid
        self._start = process.started(pid)

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"http://{HOST}:{self.port}"

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return process.alive(self.pid, self._start)

    def kill(self) -> None:
        """End it at once, as a crash would."""
        process.end(self.pid, self._start, 0.0)


def start(version: int, log: Path, *, port: int = 0, delay: float = 0.0) -> Backend:
    """Start a server that takes ``delay`` seconds for an answer; returns once it answers.

    Raises ``MachineError`` when it does not come up.
    """
    port = port or free_port()
    variables = {
        "SEALIFT_PORT": str(port),
        "SEALIFT_TESTING_VERSION": str(version),
        "SEALIFT_TESTING_DELAY": str(delay),
    }
    child = process.spawn(
        [sys.executable, "-m", "sealift.testing.backend"], log=log, env=os.environ | variables
    )
    server = Backend(version, port, process.leave(child))
    deadline = clock.monotonic() + 15.0
    while get(port, _READY) is None:
        if clock.monotonic() > deadline or not server.alive:
            raise MachineError("The test server does not come up.", where=str(log))
        clock.sleep(0.02)
    return server


class _Requests(asyncio.Protocol):
    """One connection; requests come one after another, with a Content-Length if at all."""

    def __init__(self, version: int, delay: float) -> None:
        self._version = version
        self._delay = delay
        self._pending = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._pending += data
        while (end := self._pending.find(b"\r\n\r\n")) >= 0:
            lines = self._pending[:end].decode("latin-1").split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
            whole = end + 4 + int(headers.get("content-length", 0))
            if len(self._pending) < whole:
                return
            self._pending = self._pending[whole:]
            loop = asyncio.get_running_loop()
            generation = headers.get("x-sealift-generation", "")
            loop.call_later(self._delay, self._answer, generation)

    def _answer(self, generation: str) -> None:
        body = json.dumps({"version": self._version, "generation": generation}).encode()
        head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\n\r\n".encode()
        if self._transport is not None:
            self._transport.write(head + body)


async def _serve(port: int, version: int, delay: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Requests(version, delay), HOST, port)
    async with server:
        await server.serve_forever()


def main() -> None:
    """Serve until killed."""
    variables = os.environ
    asyncio.run(
        _serve(
            int(variables["SEALIFT_PORT"]),
            int(variables.get("SEALIFT_TESTING_VERSION", "1")),
            float(variables.get("SEALIFT_TESTING_DELAY", "0")),
        )
    )


if __name__ == "__main__":
    main()

__all__ = ["Backend", "start"]
