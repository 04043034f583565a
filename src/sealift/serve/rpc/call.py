"""A request over gRPC."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping

from sealift.serve.admission import Room
from sealift.serve.call import Call
from sealift.serve.rpc import status


class Remote:
    """A client whose leaving ends the task that answers it, so that nobody need look."""

    async def client_disconnect(self) -> None:
        """Wait for what never comes."""
        await asyncio.get_running_loop().create_future()


_CLIENT = Remote()


class RemoteCall(Call):
    """A call that came over gRPC; ``json`` is what it would send over HTTP."""

    __slots__ = ("json", "metadata")

    def __init__(self, path: str, metadata: Mapping[str, str]) -> None:
        super().__init__("POST", path, metadata, _CLIENT)
        self.metadata = metadata
        self.json = b""

    def hurry_as_told(self) -> None:
        """Keep the deadline of the call too."""
        super().hurry_as_told()
        given = self.metadata.get("grpc-timeout")
        if given:
            self.hurry(max(status.timeout(given), 1e-9))

    def kind(self, known: Collection[str]) -> str:  # noqa: ARG002  all of it is one kind
        """Nothing: a message has no media type of its own."""
        return ""

    async def body(self, limit: int, room: Room, place: int = 0) -> bytes:  # noqa: ARG002
        """The JSON that says the same as the message, which has come already."""
        return self.json


__all__ = ["Remote", "RemoteCall"]
