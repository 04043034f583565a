"""The edge to the HTTP server: each call answers one request, whatever happens on the way."""

from __future__ import annotations

import asyncio
import contextlib

from granian.rsgi import HTTPProtocol, ProtocolClosed, ProtocolError, Scope

from sealift import clock
from sealift.serve import coding
from sealift.serve.access import AccessLog
from sealift.serve.answer import Answer, refused
from sealift.serve.call import Call, presentable
from sealift.serve.counting import GONE, Counting, incident
from sealift.serve.house import House
from sealift.serve.refusal import RefusalError
from sealift.serve.request import Request
from sealift.serve.routes import Route, Routes, wrong_method

SMALL = 1024
"""Bytes of an answer up to which compressing it gains nothing."""

LARGE = 1 << 16
"""Bytes of an answer from which it is compressed in a thread."""


class App:
    """The models of a server as an RSGI application."""

    def __init__(self, house: House, access: AccessLog, image: str) -> None:
        self._house = house
        self._routes = Routes(house)
        self._counting = Counting(house, access)
        self._tokens = clock.Tokens()
        self._version = house.only.version if house.only else ""
        self._static = [("x-sealift-image", image)] if image else []

    async def __rsgi__(self, scope: Scope, protocol: HTTPProtocol) -> None:
        """Answer one request."""
        call = Request(scope, protocol)
        route = self._routes.find(call.path)
        self._counting.begin(call)
        status = GONE
        try:
            answer = await self._attempt(call, route)
            headers, body = self._headers(call, route, answer), answer.body
            if await self._last(call):
                headers.append(("connection", "close"))
            if len(body) > SMALL and call.headers.get("accept-encoding") is not None:
                body = await _compressed(call, body, headers)
            protocol.response_bytes(answer.status, headers, body)
            status = answer.status
        except (ProtocolClosed, ProtocolError):
            call.code = "gone"
            _part(protocol)
        finally:
            self._counting.end(call, route, status)

    async def _attempt(self, call: Request, route: Route | None) -> Answer:
        try:
            call.identify(self._tokens.next)
            if route is None:
                return _turned_down(call, self._routes.lost(call.path))
            if call.method != route.method:
                return _turned_down(call, wrong_method(route.method))
            return await route.handler(call)
        except RefusalError as refusal:
            return _turned_down(call, refusal)
        except (ProtocolClosed, ProtocolError):
            raise
        except Exception as error:  # noqa: BLE001  the last line of defence: no request goes unanswered
            return _turned_down(call, incident(call, error))

    def _headers(self, call: Call, route: Route | None, answer: Answer) -> list[tuple[str, str]]:
        headers = [("content-type", answer.kind), *self._static, *answer.headers]
        if version := route.version if route else self._version:
            headers.append(("x-sealift-version", version))
        if call.id and presentable(call.id):
            headers.append(("x-request-id", call.id))
        if call.trace is not None:
            headers.append(("traceresponse", call.trace.header))
        return headers

    async def _last(self, call: Request) -> bool:
        if self._house.ending:
            return True
        return bool(call.code) and not await call.spared(self._house.arrival)


def _part(protocol: HTTPProtocol) -> None:
    """Answer a client that stopped sending but may still read; else Granian would, with a 500."""
    answer = refused(RefusalError("The body ended early.", code="incomplete"))
    headers = [("content-type", answer.kind), ("connection", "close")]
    with contextlib.suppress(ProtocolClosed, ProtocolError):
        protocol.response_bytes(answer.status, headers, answer.body)


def _turned_down(call: Call, refusal: RefusalError) -> Answer:
    call.code = refusal.code
    return refused(refusal)


async def _compressed(call: Call, body: bytes, headers: list[tuple[str, str]]) -> bytes:
    chosen = coding.accepted(call.headers.get("accept-encoding") or "")
    headers.append(("vary", "accept-encoding"))
    if not chosen:
        return body
    headers.append(("content-encoding", chosen))
    if len(body) < LARGE:
        return coding.deflated(body, chosen)
    return await asyncio.to_thread(coding.deflated, body, chosen)


__all__ = ["App"]
