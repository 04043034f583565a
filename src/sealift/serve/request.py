"""A request over HTTP: its media type, and its body within bounds."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from granian.rsgi import HTTPProtocol, Scope

from sealift.serve import coding
from sealift.serve.admission import Room
from sealift.serve.arrival import Arrival
from sealift.serve.call import Call
from sealift.serve.refusal import RefusalError

INLINE = 1 << 16
"""Compressed bytes up to which a body is inflated at once; more has a thread."""


class Request(Call):
    """A call that came over HTTP; ``read`` once its body was."""

    __slots__ = ("_http", "read")

    def __init__(self, scope: Scope, protocol: HTTPProtocol) -> None:
        super().__init__(scope.method, scope.path, scope.headers, protocol)
        self.read = False
        self._http = protocol

    def kind(self, known: Collection[str]) -> str:
        """The media type of the body; "" where none is named.

        Raises ``RefusalError`` (415) for one that is not ``known``.
        """
        essence = (self.headers.get("content-type") or "").partition(";")[0].strip().lower()
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
            body = await arrival.of(self._http())
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
        length = self.headers.get("content-length") or "0"
        if self.read or (length == "0" and self.headers.get("transfer-encoding") is None):
            return True
        if (
            len(length) > 5
            or not length.isdecimal()
            or self.headers.get("transfer-encoding") is not None
        ):
            return False
        try:
            await arrival.of(self._http())
        except RefusalError:
            return False
        return True

    async def _pieces(self, limit: int, room: Room) -> bytes:
        pieces: list[bytes] = []
        size = 0
        async for piece in self._http:
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


__all__ = ["Request"]
