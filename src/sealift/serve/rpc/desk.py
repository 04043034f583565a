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
from sealift.serve.refusal import RefusalError
from sealift.serve.routes import Routes
from sealift.serve.rpc import fields, frames, infer, shapes, status
from sealift.serve.rpc.call import RemoteCall
from sealift.serve.rpc.fields import Metadata
from sealift.serve.rpc.methods import (
    CHECK,
    HEALTH,
    INFER,
    INFER_PATH,
    METHODS,
    SERVICE,
    STREAM,
    Method,
    lost,
    model_path,
)
from sealift.serve.rpc.shares import Shares
from sealift.serve.service import Service

PREFIX = 5
"""Bytes before a message: whether it is compressed, and its length."""

SMALL = 1024
"""Bytes of an answer up to which compressing it gains nothing."""

WIDE = 1 << 20
"""Bytes of a message that may be under way before the server has counted any."""

OWN = 1024
"""Bytes that a call takes beside what it holds."""

KIND = "application/grpc"

OTHER_KIND = b"\x08\x03415"
"""``:status: 415``, as RFC 7541 numbers it."""

_ANSWERED = b"\x88"
"""``:status: 200``, as RFC 7541 numbers it."""

_SERVING, _NOT_SERVING = 1, 2
_OK = ("grpc-status", "0")


class Reply(msgspec.Struct, frozen=True, gc=False):
    """What goes back: a message with its prefix, if all went well, and the trailers."""

    message: bytes
    trailers: list[tuple[str, str]]
    coding: str = ""


class Desk:
    """The models of a server as methods of gRPC.

    ``most`` is the largest message in bytes, ``window`` what a client may send of one before more
    is asked for, ``room`` is for what is under way, and ``shares`` are of the calls that are open.
    """

    def __init__(self, house: House, access: AccessLog, image: str) -> None:
        self.most = house.limits.body
        self.window = max(frames.WINDOW, min(WIDE, self.most + PREFIX))
        self.room = house.room
        self.shares = Shares()
        self._greetings = _greetings(house, image)
        self._house = house
        self._routes = Routes(house)
        self._counting = Counting(house, access)

    def greeting(self, coding: str) -> bytes:
        """The header fields of an answer in a coding ("": plain)."""
        return self._greetings[coding]

    def begin(self, path: str, metadata: Metadata) -> RemoteCall:
        """A call that came; it ends by ``answer``, ``refused``, ``ended`` or ``gone``."""
        call = RemoteCall(path, metadata)
        self._counting.begin(call)
        return call

    def admits(self, held: int) -> bool:
        """Whether a connection that holds so many calls may open another now."""
        if self.shares.admits(held):
            return True
        self._house.metrics.refused.add(1.0, "overloaded")
        return False

    def gone(self, call: RemoteCall) -> None:
        """A call whose client has left."""
        call.code = "gone"
        self._end(call, GONE)

    def opened(self, call: RemoteCall) -> Method:
        """Look at what is known before the message. Raises ``RefusalError``."""
        method = METHODS.get(call.path)
        if method is None:
            raise lost(call.path)
        given = call.metadata.get("grpc-encoding", "identity")
        if given not in ("identity", *coding.CODINGS):
            raise RefusalError(
                f"The message encoding must be gzip or deflate, not {given[:80]!r}.",
                code="content_encoding",
                path="grpc-encoding",
                status=415,
            )
        self.room.take(call, OWN + 2 * sum(map(len, call.metadata.values())))
        if method is STREAM:
            call.hurry_as_told()
        return method

    def coding(self, call: RemoteCall) -> str:
        """The coding that long answers to a call have."""
        given = call.metadata.get("grpc-encoding", "")
        return given if given in coding.CODINGS else ""

    def came(self, call: RemoteCall, size: int) -> None:
        """Make room for a piece of the message. Raises ``RefusalError``."""
        self.room.take(call, size)

    def measured(self, head: bytes | bytearray) -> int:
        """The length of the message after a prefix. Raises ``RefusalError`` for one too large."""
        size = int.from_bytes(head[1:PREFIX], "big")
        if size > self.most:
            raise coding.too_large(self.most)
        return size

    async def answer(self, call: RemoteCall, body: bytes | bytearray) -> Reply:
        """The reply to a whole message with its prefix; ends the call, unless it is cancelled."""
        status_of_http = 500
        try:
            call.identify()
            message = await self._message(call, body)
            written = await self._written(call, METHODS[call.path], message)
            reply = await self._packed(call, body[0], written)
            status_of_http = 200
        except RefusalError as refusal:
            reply, status_of_http = self._turned_down(call, refusal), refusal.status
        except Exception as error:  # noqa: BLE001  the last line of defence, as for HTTP
            reply = self._turned_down(call, incident(call, error))
        self._end(call, status_of_http)
        return reply

    async def exchanged(
        self, stream: RemoteCall, metadata: Metadata, body: bytes | bytearray
    ) -> bytes:
        """The answer, with its prefix, to one of many requests in a stream.

        What is wrong with one stands in its answer; the others go on.
        """
        call = self.begin(INFER_PATH, metadata)
        # the request is no longer the stream's
        size = min(len(body), stream.reserved)
        self.room.leave(stream, size)
        self.room.take(call, size)
        if stream.deadline:
            call.hurry(max(stream.deadline - call.began, 1e-9))
        try:
            reply = await self._exchanged(call, body)
        except asyncio.CancelledError:
            self.gone(call)
            raise
        return reply

    async def _exchanged(self, call: RemoteCall, body: bytes | bytearray) -> bytes:
        found: infer.Message | None = None
        status_of_http = 500
        try:
            call.identify()
            found = infer.read(await self._message(call, body))
            service = self._found(found.model, found.version)
            answer = await service.inferred(call, found.asked, infer.written, long=found.long)
            reply = await self._packed(call, body[0], infer.streamed(found, answer))
            status_of_http = 200
        except RefusalError as refusal:
            reply, status_of_http = _wrong(call, found, refusal), refusal.status
        except Exception as error:  # noqa: BLE001  the last line of defence, as for HTTP
            reply = _wrong(call, found, incident(call, error))
        self._end(call, status_of_http)
        return reply.message

    def ended(self, call: RemoteCall, refusal: RefusalError | None) -> Reply:
        """What goes behind the answers of a stream, which may end for a reason."""
        if refusal is not None:
            return self.refused(call, refusal)
        self._end(call, 200)
        return Reply(b"", [_OK])

    def refused(self, call: RemoteCall, refusal: RefusalError) -> Reply:
        """The reply to a call that is turned down, which ends it."""
        reply = self._turned_down(call, refusal)
        self._end(call, refusal.status)
        return reply

    def _turned_down(self, call: RemoteCall, refusal: RefusalError) -> Reply:
        call.code = refusal.code
        return Reply(b"", status.told(refusal) + self._about(call))

    def _end(self, call: RemoteCall, code: int) -> None:
        self._counting.end(call, METHODS.get(call.path), code)

    async def _packed(self, call: RemoteCall, compressed: int, written: bytes) -> Reply:
        trailers = [_OK, *self._about(call)]
        chosen = self.coding(call) if compressed else ""
        if chosen and len(written) > SMALL:
            packed = await asyncio.to_thread(coding.deflated, written, chosen)
            return Reply(_framed(packed, 1), trailers, chosen)
        return Reply(_framed(written, 0), trailers)

    async def _message(self, call: RemoteCall, body: bytes | bytearray) -> bytes:
        if len(body) < PREFIX or len(body) - PREFIX != self.measured(body):
            raise RefusalError(
                "The call must hold one whole message.", code="length", path="message"
            )
        content = bytes(memoryview(body)[PREFIX:])
        if not body[0]:
            return content
        if call.metadata.get("grpc-encoding", "identity") == "identity":
            raise RefusalError(
                "The message is compressed, but grpc-encoding does not say how.",
                code="malformed_coding",
                path="grpc-encoding",
            )
        short = coding.at_once(content, self.most)
        if short is not None:
            self.room.take(call, len(short))
            return short
        # others go on meanwhile, so there must be room for the most that it can become
        expected = min(self.most, coding.RATIO * len(content))
        self.room.take(call, expected)
        plain = await asyncio.to_thread(coding.inflated, content, self.most)
        self.room.leave(call, expected - len(plain))
        return plain

    async def _written(self, call: RemoteCall, method: Method, data: bytes) -> bytes:
        if method is INFER:
            message = infer.read(data)
            service = self._found(message.model, message.version)
            return await service.inferred(call, message.asked, infer.written, long=message.long)
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
        service = None if self._house.only else self._house.services.get(call.model)
        if service is not None:
            told.append(("x-sealift-version", service.version))
        return told


def _wrong(call: RemoteCall, found: infer.Message | None, refusal: RefusalError) -> Reply:
    """What stands for the answer to a request that has none."""
    call.code = refusal.code
    number = found.request.id if found and found.request.id else call.id
    return Reply(_framed(infer.failed(refusal.what, number), 0), [])


def _greetings(house: House, image: str) -> dict[str, bytes]:
    taken = ",".join(("identity", *coding.CODINGS))
    given = [("content-type", KIND), ("grpc-accept-encoding", taken)]
    if image:
        given.append(("x-sealift-image", image))
    if house.only:
        given.append(("x-sealift-version", house.only.version))
    plain = _ANSWERED + fields.written(given)
    packed = {one: plain + fields.written([("grpc-encoding", one)]) for one in coding.CODINGS}
    return {"": plain, **packed}


def _framed(message: bytes, compressed: int) -> bytes:
    return b"%c%b%b" % (compressed, len(message).to_bytes(4, "big"), message)


__all__ = ["KIND", "OTHER_KIND", "PREFIX", "Desk", "Reply"]
