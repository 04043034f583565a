"""Where connections come in, as they see it."""

from __future__ import annotations

import asyncio
from typing import Protocol, TypeVar

from sealift.serve.http.answers import App, Express
from sealift.serve.http.head import Heads
from sealift.serve.http.line import Line

C_contra = TypeVar("C_contra", contravariant=True)
"""What stands for a client that comes in."""


class Door(Protocol[C_contra]):
    """Where connections come in; ``scratch`` is where what they send is read into.

    Those that have more requests than are answered at once wait in ``line``.
    """

    app: App
    heads: Heads
    scratch: memoryview
    patience: float
    express: Express | None
    line: Line
    ending: bool

    def entered(self, connection: C_contra) -> None:
        """A connection was opened."""
        ...

    def left(self, connection: C_contra) -> None:
        """A connection was closed."""
        ...

    def handed_over(self, connection: C_contra, transport: asyncio.Transport, data: bytes) -> bool:
        """Whether this is a client of another protocol, whom another serves from now on."""
        ...


__all__ = ["Door"]
