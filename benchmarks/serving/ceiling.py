"""What no server on Granian can beat: the same HTTP server, which only reads, or echoes.

``python -m benchmarks.serving.ceiling echo|read PORT WORKERS``.
"""

from __future__ import annotations

import sys

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.rsgi import HTTPProtocol, Scope

_HEADERS = [("content-type", "application/json")]


async def echo(_scope: Scope, protocol: HTTPProtocol) -> None:
    """Answer the body."""
    protocol.response_bytes(200, _HEADERS, await protocol())


async def read(_scope: Scope, protocol: HTTPProtocol) -> None:
    """Read the body, and answer how many bytes it had."""
    protocol.response_bytes(200, _HEADERS, str(len(await protocol())).encode())


def main(what: str, port: int, workers: int) -> None:
    """Serve until told to end."""
    Granian(
        f"benchmarks.serving.ceiling:{what}",
        port=port,
        workers=workers,
        interface=Interfaces.RSGI,
        http=HTTPModes.http1,
        websockets=False,
        log_enabled=False,
    ).serve()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))


__all__ = ["echo", "main", "read"]
