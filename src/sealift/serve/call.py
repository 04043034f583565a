"""One request under way, whatever the protocol: what its headers say, and its deadline."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from typing import Protocol

from sealift import clock
from sealift.serve import trace
from sealift.serve.admission import Room
from sealift.serve.batcher import Client
from sealift.serve.guard import ID_LENGTH
from sealift.serve.refusal import RefusalError


class Headers(Protocol):
    """What a request says beside its body, by names in small letters."""

    def get(self, name: str, /) -> str | None:
        """The value of a header, None where there is none."""
        ...


class Call(ABC):
    """A request: ``began`` and ``deadline`` by the monotonic clock, ``id`` once it is known.

    ``reserved`` counts the bytes of bodies that the call holds; whoever ends it gives them back.
    """

    __slots__ = (
        "began", "code", "deadline", "headers", "hurried", "id", "method", "model", "path",
        "protocol", "reserved", "rows", "trace",
    )  # fmt: skip

    def __init__(self, method: str, path: str, headers: Headers, protocol: Client) -> None:
        self.method = method
        self.path = path
        self.protocol = protocol
        self.headers = headers
        self.began = clock.monotonic()
        self.deadline = 0.0
        self.hurried = False
        self.id = ""
        self.code = ""
        self.model = ""
        self.rows = 0
        self.reserved = 0
        told = headers.get("traceparent")
        self.trace = None if told is None else trace.parsed(told)

    def identify(self, new: Callable[[int], str] = clock.token) -> None:
        """Take the id in ``X-Request-Id``, or a ``new`` one of so many characters.

        Raises ``RefusalError`` for an id that cannot stand in a header, or is too long.
        """
        given = self.headers.get("x-request-id")
        if not given:
            self.id = new(20)
            return
        if len(given) > ID_LENGTH or not presentable(given):
            raise RefusalError(
                f"X-Request-Id must have at most {ID_LENGTH} printable ASCII characters.",
                code="bad_id",
                path="X-Request-Id",
            )
        self.id = given

    def bound(self, seconds: float) -> None:
        """Answer within so many seconds from the beginning, by the server's own rule; 0: none."""
        if seconds > 0:
            self.deadline = self.began + seconds

    def hurry(self, seconds: float) -> None:
        """Answer within so many seconds from the beginning, as the client wishes; 0: none."""
        deadline = self.began + seconds
        if seconds > 0 and not 0 < self.deadline < deadline:
            self.deadline, self.hurried = deadline, True

    def late(self) -> RefusalError:
        """What is told when the deadline has passed: 408 for the client's own, else 504.

        A client that is in too much of a hurry must not make the server look broken.
        """
        return RefusalError(
            "The answer would come after the deadline of the request.",
            code="deadline",
            status=408 if self.hurried else 504,
        )

    def hurry_as_told(self) -> None:
        """Keep the ``X-Sealift-Timeout`` of the request. Raises ``RefusalError`` for no seconds."""
        given = self.headers.get("x-sealift-timeout")
        if not given:
            return
        try:
            seconds = float(given) if len(given) < 32 else -1.0
        except ValueError:
            seconds = -1.0
        if not 0 < seconds <= 1e6:
            raise RefusalError(
                "X-Sealift-Timeout must be a number of seconds above 0.",
                code="bad_timeout",
                path="X-Sealift-Timeout",
            )
        self.hurry(seconds)

    @property
    def generation(self) -> int:
        """The route in force, as the router says; 0 when the request did not come through it."""
        return routed(self.headers.get("x-sealift-generation"))

    @abstractmethod
    def kind(self, known: Collection[str]) -> str:
        """The media type of the body; "" where none is named.

        Raises ``RefusalError`` (415) for one that is not ``known``.
        """

    def at_hand(self, limit: int, room: Room) -> bytes | None:  # noqa: ARG002
        """The body, where ``body`` would give it at once; None where it must be asked.

        Raises as ``body``.
        """
        return None

    @abstractmethod
    async def body(self, limit: int, room: Room, place: int = 0) -> bytes:
        """The body, decompressed, of at most ``limit`` bytes, its byte ``place`` aligned if it can.

        Raises ``RefusalError``.
        """


def routed(given: str | None) -> int:
    """The number of the route that ``X-Sealift-Generation`` names; 0 for none.

    >>> routed("12"), routed("x"), routed(None)
    (12, 0, 0)
    """
    known = given and given.isdecimal() and given.isascii() and len(given) < 16
    return int(given) if given and known else 0


def presentable(text: str) -> bool:
    """Whether a text can stand in a header.

    >>> presentable("a-1"), presentable("a\\nb"), presentable("ä")
    (True, False, False)
    """
    return text.isascii() and text.isprintable()


__all__ = ["Call", "Headers", "presentable", "routed"]
