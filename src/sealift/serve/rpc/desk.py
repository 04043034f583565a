"""Answers calls over gRPC: the edge that an ``App`` is for HTTP."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from sealift.serve import coding
from sealift.serve.access import AccessLog
from sealift.serve.call import presentable
from sealift.serve.counting import GONE, Counting, incident
from sealift.serve.house import House
from sealift.serve.refusal import RefusalError, brief
from sealift.serve.routes import Routes
from sealift.serve.rpc import infer, shapes, status
from sealift.serve.rpc.call import RemoteCall
from sealift.serve.rpc.methods import CHECK, HEALTH, INFER, METHODS, SERVICE, Method, model_path
from sealift.serve.service import Service

PREFIX = 5
"""Bytes before a message: whether it is compressed, and its length."""

INLINE = 1 << 16
"""Compressed bytes up to which a message is inflated at once; more has a thread."""

SMALL = 1024
"""Bytes of an answer up to which compressing it gains nothing."""

_SERVING, _NOT_SERVING = 1, 2
_OK = ("grpc-status", "0")


class Reply(msgspec.Struct, frozen=True, gc=False):
    """What goes back: a message with its prefix, if all went well, and the trailers."""

    message: bytes
    trailers: list[tuple[str, str]]
    coding: str = ""


class Desk:
    """The models of a server as methods of gRPC; ``most`` is the largest message in bytes."""

    def __init__(self, house: House, access: AccessLog, image: str) -> None:
        self.most = house.limits.body
        self.greeting = [("x-sealift-image", image)] if image else []
        if house.only:
            self.greeting.append(("x-sealift-version", house.only.version))
        self._house = house
        self._routes = Routes(house)
        self._counting = Counting(house, access)

    def begin(self, path: str, metadata: dict[str, str]) -> RemoteCall:
        """A call that came; whoever took it on calls ``end`` in the end."""
        call = RemoteCall(path, metadata)
        self._counting.begin(call)
        return call

    def end(self, call: RemoteCall, code: int) -> None:
        """A call was answered with a status of HTTP."""
        self._counting.end(call, METHODS.get(call.path), code)

    def gone(self, call: RemoteCall) -> None:
        """A call whose client has left."""
        call.code = "gone"
        self.end(call, GONE)

    def opened(self, call: RemoteCall) -> None:
        """Look at what is known before the message. Raises ``RefusalError``."""
        if call.path not in METHODS:
            raise RefusalError(
                f"There is no method {brief(call.path)}.", code="unknown_path", status=405
            )
        given = call.metadata.get("grpc-encoding", "identity")
        if given not in ("identity", *coding.CODINGS):
            raise RefusalError(
                f"The message encoding must be gzip or deflate, not {given[:80]!r}.",
                code="content_encoding",
                path="grpc-encoding",
                status=415,
            )

    def came(self, call: RemoteCall, size: int) -> None:
        """Make room for a piece of the message. Raises ``RefusalError``."""
        self._house.room.take(call, size)

    def measured(self, head: bytes) -> int:
        """The length of the message after a prefix. Raises ``RefusalError`` for one too large."""
        size = int.from_bytes(head[1:PREFIX], "big")
        if size > self.most:
            raise coding.too_large(self.most)
        return size

    async def answer(self, call: RemoteCall, body: bytes) -> Reply:
        """The reply to a whole message with its prefix; ends the call, unless it is cancelled."""
        reply, code = await self._attempt(call, body)
        self.end(call, code)
        return reply

    def refused(self, call: RemoteCall, refusal: RefusalError) -> Reply:
        """The reply to a call that is turned down."""
        call.code = refusal.code
        return Reply(b"", status.told(refusal) + self._about(call))

    async def _attempt(self, call: RemoteCall, body: bytes) -> tuple[Reply, int]:
        try:
            call.identify()
            message = await self._message(call, body)
            written = await self._written(call, METHODS[call.path], message)
            trailers = [_OK, *self._about(call)]
            chosen = call.metadata.get("grpc-encoding", "") if body[0] else ""
            if chosen and len(written) > SMALL:
                packed = await asyncio.to_thread(coding.deflated, written, chosen)
                return Reply(_framed(packed, 1), trailers, chosen), 200
            return Reply(_framed(written, 0), trailers), 200
        except RefusalError as refusal:
            return self.refused(call, refusal), refusal.status
        except Exception as error:  # noqa: BLE001  the last line of defence, as for HTTP
            return self.refused(call, incident(call, error)), 500

    async def _message(self, call: RemoteCall, body: bytes) -> bytes:
        if len(body) < PREFIX or len(body) - PREFIX != self.measured(body):
            raise RefusalError(
                "The call must hold one whole message.", code="length", path="message"
            )
        if not body[0]:
            return body[PREFIX:]
        if call.metadata.get("grpc-encoding", "identity") == "identity":
            raise RefusalError(
                "The message is compressed, but grpc-encoding does not say how.",
                code="malformed_coding",
                path="grpc-encoding",
            )
        packed, limit, room = body[PREFIX:], self.most, self._house.room
        if len(packed) <= INLINE:
            plain = coding.inflated(packed, limit)
            room.take(call, len(plain))
            return plain
        # others go on meanwhile, so there must be room for the most that it can become
        expected = min(limit, coding.RATIO * len(packed))
        room.take(call, expected)
        plain = await asyncio.to_thread(coding.inflated, packed, limit)
        room.leave(call, expected - len(plain))
        return plain

    async def _written(self, call: RemoteCall, method: Method, data: bytes) -> bytes:
        if method is INFER:
            message = infer.read(data)
            service = self._found(message.model, message.version)
            return await service.inferred(call, message.asked, infer.written)
        asked = shapes.read(method.asked, data)
        if method is CHECK:
            return self._health(asked["service"])
        return await self._transcoded(call, method, asked)

    async def _transcoded(self, call: RemoteCall, method: Method, asked: dict[str, Any]) -> bytes:
        """What REST tells, as a message."""
        path = method.path(asked)
        route = self._routes.find(path)
        if route is None:
            raise self._routes.lost(path)
        call.json = method.body(asked)
        grpc, call.path = call.path, path
        try:
            answer = await route.handler(call)
        except RefusalError as refusal:
            if method.told is shapes.READY and refusal.code == "not_ready":
                return b""
            raise
        finally:
            call.path = grpc
        value = msgspec.json.decode(answer.body)
        return shapes.written(method.told, {method.inside: value} if method.inside else value)

    def _found(self, model: str, version: str) -> Service:
        path = model_path(model, version)
        if self._routes.find(path) is None:
            raise self._routes.lost(path)
        return self._house.services[model]

    def _health(self, name: str) -> bytes:
        """``grpc.health.v1``, of the whole server, the protocol's service, or a model."""
        if name in ("", SERVICE, HEALTH):
            ready = self._house.ready
        else:
            ready = self._found(name, "").readiness.ready
        return shapes.written(shapes.HEALTH, {"status": _SERVING if ready else _NOT_SERVING})

    def _about(self, call: RemoteCall) -> list[tuple[str, str]]:
        told = []
        if call.id and presentable(call.id):
            told.append(("x-request-id", call.id))
        if call.trace is not None:
            told.append(("traceresponse", call.trace.header))
        if call.model and not self._house.only:
            told.append(("x-sealift-version", self._house.services[call.model].version))
        return told


def _framed(message: bytes, compressed: int) -> bytes:
    return b"%c%b%b" % (compressed, len(message).to_bytes(4, "big"), message)


__all__ = ["PREFIX", "Desk", "Reply"]
