"""Who answers requests, as connections see them."""

from __future__ import annotations

from typing import Protocol

from sealift.serve.http.head import Head
from sealift.serve.http.request import Request
from sealift.serve.refusal import RefusalError


class App(Protocol):
    """Who answers."""

    async def answer(self, call: Request) -> None:
        """Answer a request by its sender's ``send``."""
        ...

    def malformed(self, refusal: RefusalError) -> bytes:
        """The answer, with its head, to what is no request."""
        ...


class Client(Protocol):
    """The connection that a request came by."""

    def told(self, answer: bytes) -> None:
        """Send the answer to the request that waits."""
        ...

    def returned(self, head: Head, body: bytes) -> None:
        """Let the request that waits take the ordinary road."""
        ...


class Express(Protocol):
    """Who answers plain requests at the end of a turn of the event loop."""

    def take(self, client: Client, head: Head, body: bytes) -> bool:
        """Whether it answers a request, by the client's ``told`` or ``returned``."""
        ...


__all__ = ["App", "Client", "Express"]
