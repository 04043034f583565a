"""The life of the API's process."""

from __future__ import annotations

import asyncio
import signal

from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server.embed import Server
from starlette.applications import Starlette

from sealift.errors import MachineError

GRACE = 5.0
"""Seconds that requests have to end."""


async def serve(application: Starlette, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT. Raises ``MachineError`` when it cannot listen."""
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    server = Server(
        application,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        websockets=False,
        log_level=LogLevels.error,
    )
    serving = asyncio.create_task(server.serve())
    asked = asyncio.create_task(ending.wait())
    await asyncio.wait((serving, asked), return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        asked.cancel()
        raise MachineError(
            f"The API cannot listen: {serving.exception() or 'it ended'}.",
            where=f"{host}:{port}",
            remedy="Choose a free port.",
        )
    server.stop()
    await asyncio.wait((serving,), timeout=GRACE)


__all__ = ["serve"]
