"""Who answers requests, as connections see them."""

from __future__ import annotations

from typing import Protocol

from sealift.serve.admission import Room
from sealift.serve.http.head import Head
from sealift.serve.http.request import Request
from sealift.serve.refusal import RefusalError


class App(Protocol):
    """Who answers; ``room`` is for what has come and is not answered."""

    room: Room

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

    @property
    def lendable(self) -> bool:
        """Whether the client is idle, and may be lent."""
        ...

    def lent(self, keeper: Keeper) -> int:
        """The file of a client that is lendable, which is the keeper's from now on."""
        ...

    def came(self, data: bytes) -> None:
        """Have a client again that was lent, which has sent this in the meantime."""
        ...

    def end(self) -> None:
        """Close, unless a request is being answered; one that a keeper has taken is not."""
        ...


class Keeper(Protocol):
    """Who serves clients that their connections have lent."""

    def since(self, client: Client) -> float:
        """When the client last said something, by the monotonic clock."""
        ...

    def stuck(self, client: Client) -> bool:
        """Whether the client has begun to say something that it has not ended."""
        ...

    def leave(self, client: Client) -> bytes:
        """Serve the client no more; its connection has it again. What it has begun to ask."""
        ...


class Express(Protocol):
    """Who answers plain requests at the end of a turn of the event loop."""

    def take(self, client: Client, head: Head, body: bytes) -> bool:
        """Whether it answers a request, by the client's ``told`` or ``returned``."""
        ...


__all__ = ["App", "Client", "Express", "Keeper"]
