"""One request under way: what its headers say, its body within bounds, and its deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

from granian.rsgi import HTTPProtocol, Scope

from sealift import clock
from sealift.serve import coding, trace
from sealift.serve.admission import Room
from sealift.serve.arrival import Arrival
from sealift.serve.guard import ID_LENGTH
from sealift.serve.refusal import RefusalError

INLINE = 1 << 16
"""Compressed bytes up to which a body is inflated at once; more has a thread."""


class Call:
    """A request: ``began`` and ``deadline`` by the monotonic clock, ``id`` once it is known.

    ``reserved`` counts the bytes of bodies that the call holds; whoever ends it gives them back.
    """

    __slots__ = (
        "began", "code", "deadline", "headers", "hurried", "id", "model",
        "protocol", "read", "reserved",
        "rows", "scope", "trace",
    )  # fmt: skip

    def __init__(self, scope: Scope, protocol: HTTPProtocol) -> None:
        self.scope = scope
        self.protocol = protocol
        self.headers = scope.headers
        self.began = clock.monotonic()
        self.deadline = 0.0
        self.hurried = False
        self.id = ""
        self.code = ""
        self.model = ""
        self.rows = 0
        self.reserved = 0
        self.read = False
        self.trace = trace.parsed(self.headers.get("traceparent"))

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
        given = self.headers.get("x-sealift-generation", "")
        return int(given) if given.isdecimal() and given.isascii() and len(given) < 16 else 0

    def kind(self, known: Collection[str]) -> str:
        """The media type of the body; "" where none is named.

        Raises ``RefusalError`` (415) for one that is not ``known``.
        """
        essence = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if essence and essence not in known:
            raise RefusalError(
                f"The content type must be {' or '.join(known)}, not {essence[:80]!r}.",
                code="content_type",
                path="Content-Type",
                status=415,
            )
        return str(essence)

    async def body(self, limit: int, room: Room, arrival: Arrival) -> bytes:
        """The body, decompressed, of at most ``limit`` bytes.

        Raises ``RefusalError``: 413 too large (told from the header, or while reading or
        inflating), 415 for an unknown coding, 408 too slow, 429 when other bodies take all room.
        """
        packed = self._coding()
        length = self.headers.get("content-length")
        declared = int(length[:20]) if length is not None and length.isdecimal() else 0
        if declared > limit:
            raise coding.too_large(limit)
        if length is not None:
            room.take(self, declared)
            body = await arrival.of(self.protocol())
        else:
            body = await arrival.of(self._pieces(limit, room))
        self.read = True
        if not packed:
            return body
        if len(body) <= INLINE:
            plain = coding.inflated(body, limit)
            room.take(self, len(plain))
            return plain
        # others go on meanwhile, so there must be room for the most that it can become
        most = min(limit, coding.RATIO * len(body))
        room.take(self, most)
        plain = await asyncio.to_thread(coding.inflated, body, limit)
        room.leave(self, most - len(plain))
        return plain

    async def spared(self, arrival: Arrival) -> bool:
        """Whether the connection can go on though the body was not wanted.

        What is short is read and forgotten; for more it is cheaper to close the connection.
        """
        length = self.headers.get("content-length", "0")
        if self.read or (length == "0" and "transfer-encoding" not in self.headers):
            return True
        if len(length) > 5 or not length.isdecimal() or "transfer-encoding" in self.headers:
            return False
        try:
            await arrival.of(self.protocol())
        except RefusalError:
            return False
        return True

    async def _pieces(self, limit: int, room: Room) -> bytes:
        pieces: list[bytes] = []
        size = 0
        async for piece in self.protocol:
            size += len(piece)
            if size > limit:
                raise coding.too_large(limit)
            room.take(self, len(piece))
            pieces.append(piece)
        return b"".join(pieces)

    def _coding(self) -> bool:
        given = self.headers.get("content-encoding")
        if not given or given == "identity":
            return False
        essence = given.strip().lower()
        if essence not in ("identity", *coding.CODINGS, "x-gzip"):
            raise RefusalError(
                f"The content encoding must be gzip or deflate, not {essence[:80]!r}.",
                code="content_encoding",
                path="Content-Encoding",
                status=415,
            )
        return bool(essence != "identity")


def presentable(text: str) -> bool:
    """Whether a text can stand in a header.

    >>> presentable("a-1"), presentable("a\\nb"), presentable("ä")
    (True, False, False)
    """
    return text.isascii() and text.isprintable()


__all__ = ["Call", "presentable"]
