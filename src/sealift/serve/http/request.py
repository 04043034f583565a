"""A request over HTTP: its media type, and its body within bounds."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Protocol

from sealift.serve import coding
from sealift.serve.admission import Room
from sealift.serve.batcher import Client
from sealift.serve.call import Call
from sealift.serve.http.head import Head
from sealift.serve.refusal import RefusalError

SHORT = 100_000
"""Bytes of a body that are read though nobody wants them, to keep the connection."""


class Sender(Client, Protocol):
    """The connection that a request came by."""

    async def whole(self, length: int, place: int = 0) -> bytes:
        """The body of a length that is known, its byte ``place`` aligned in memory if it can be.

        Raises ``RefusalError`` and ``GoneError``.
        """
        ...

    async def piece(self) -> bytes:
        """The next piece of a body in chunks; empty at its end. Raises as ``whole``."""
        ...

    def send(self, head: bytes, body: bytes, *, last: bool) -> None:
        """Answer the request under way, the ``last`` one perhaps. Raises ``GoneError``."""
        ...


class Request(Call):
    """A call that came over HTTP; ``read`` once its body was.

    ``given`` is the body, where all of it came with the head; ``asked`` is true once the client
    was told to send it.
    """

    __slots__ = ("asked", "given", "head", "read", "sender", "tried")

    def __init__(self, head: Head, given: bytes | None, sender: Sender) -> None:
        Call.__init__(self, head.method, head.path, head.headers, sender)
        self.read = self.asked = self.tried = False
        self.head = head
        self.given = given
        self.sender = sender

    def kind(self, known: Collection[str]) -> str:
        """The media type of the body; "" where none is named.

        Raises ``RefusalError`` (415) for one that is not ``known``.
        """
        given = self.headers.get("content-type") or ""
        if given in known:
            return given
        essence = given.partition(";")[0].strip().lower()
        if essence and essence not in known:
            raise RefusalError(
                f"The content type must be {' or '.join(known)}, not {essence[:80]!r}.",
                code="content_type",
                path="Content-Type",
                status=415,
            )
        return str(essence)

    def at_hand(self, limit: int, room: Room) -> bytes | None:
        """The body, where all of it came with the head and as it is; else None."""
        body = self.given
        if body is None or len(body) > limit or self.headers.get("content-encoding") is not None:
            return None
        room.take(self, len(body))
        self.read = True
        return body

    async def body(self, limit: int, room: Room, place: int = 0) -> bytes:
        """The body, decompressed, of at most ``limit`` bytes, its byte ``place`` aligned if it can.

        Raises ``RefusalError``: 413 too large (told from the header, or while reading or
        inflating), 415 for an unknown coding, 408 too slow, 429 when other bodies take all room.
        """
        packed = self._coding()
        if self.head.length > limit:
            raise coding.too_large(limit)
        if self.head.length >= 0:
            room.take(self, self.head.length)
            body = await self._whole(place)
        else:
            body = await self._pieces(limit, room)
        self.read = True
        if not packed:
            return body
        short = coding.at_once(body, limit)
        if short is not None:
            room.take(self, len(short))
            return short
        # others go on meanwhile, so there must be room for the most that it can become
        most = min(limit, coding.RATIO * len(body))
        room.take(self, most)
        plain = await asyncio.to_thread(coding.inflated, body, limit)
        room.leave(self, most - len(plain))
        return plain

    @property
    def whole(self) -> bool:
        """Whether all of it has been taken off the connection."""
        return self.read or self.given is not None

    async def spared(self) -> bool:
        """Whether the connection can go on though the body was not wanted.

        What is short is read and forgotten; for more it is cheaper to close the connection. A
        client that waits to be told to send it is never told.
        """
        if self.whole:
            return True
        waits = self.head.expects and not self.asked
        if self.tried or waits or not 0 <= self.head.length < SHORT:
            return False
        try:
            await self._whole()
        except RefusalError:
            return False
        self.read = True
        return True

    async def _whole(self, place: int = 0) -> bytes:
        if self.given is not None:
            return self.given
        self.tried = True
        return await self.sender.whole(self.head.length, place)

    async def _pieces(self, limit: int, room: Room) -> bytes:
        body = bytearray()
        while piece := await self.sender.piece():
            if len(body) + len(piece) > limit:
                raise coding.too_large(limit)
            room.take(self, len(piece))
            body += piece
        return bytes(body)

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


__all__ = ["Request", "Sender"]
