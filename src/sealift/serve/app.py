"""The edge to the HTTP server: each call answers one request, whatever happens on the way."""

from __future__ import annotations

import asyncio
import contextlib

from sealift import clock
from sealift.serve import coding
from sealift.serve.access import AccessLog
from sealift.serve.answer import JSON, Answer, refused
from sealift.serve.call import Call, presentable
from sealift.serve.counting import GONE, Counting, incident
from sealift.serve.express import Express
from sealift.serve.gone import GoneError
from sealift.serve.house import House
from sealift.serve.http.request import Request
from sealift.serve.http.written import Heads
from sealift.serve.refusal import RefusalError
from sealift.serve.routes import Route, Routes, wrong_method

_CLOSE = [("connection", "close")]


class App:
    """The models of a server, asked over HTTP."""

    def __init__(self, house: House, access: AccessLog, image: str) -> None:
        self.room = house.room
        self._house = house
        self._routes = Routes(house)
        self._counting = Counting(house, access)
        self._tokens = clock.Tokens()
        self._version = house.only.version if house.only else ""
        self._heads = Heads([("x-sealift-image", image)] if presentable(image) and image else [])
        self.express = Express(house, self._heads, access.mode)

    async def answer(self, call: Request) -> None:
        """Answer one request."""
        route = self._routes.find(call.path)
        self._counting.begin(call)
        status = GONE
        try:
            status = await self._told(call, route, await self._attempt(call, route))
        except GoneError:
            call.code = "gone"
            if not call.whole:
                self._part(call)
        except Exception as error:  # noqa: BLE001  an answer that cannot be written is one more
            answer = _turned_down(call, incident(call, error))
            status = await self._told(call, route, answer)
        finally:
            self._counting.end(call, route, status)

    def malformed(self, refusal: RefusalError) -> bytes:
        """The answer, with its head, to what is no request; it is counted and logged as one."""
        self._counting.malformed(refusal)
        return self._last(refusal)

    def _last(self, refusal: RefusalError) -> bytes:
        """An answer with its head, after which the connection is closed."""
        body = refused(refusal).body
        head = self._heads.written(refusal.status, JSON, self._version, len(body), _CLOSE)
        return head + body

    async def _told(self, call: Request, route: Route | None, answer: Answer) -> int:
        """Send an answer; its status."""
        spared = call.whole or await call.spared()
        last = self._house.ending or not (spared and call.head.keeps)
        more, body = self._besides(call, answer, last), answer.body
        if len(body) > coding.SMALL and call.headers.get("accept-encoding") is not None:
            body = await _compressed(call, body, more)
        version = route.version if route else self._version
        head = self._heads.written(answer.status, answer.kind, version, len(body), more)
        call.sender.send(head, b"" if call.method == "HEAD" else body, last=last)
        return answer.status

    async def _attempt(self, call: Request, route: Route | None) -> Answer:
        try:
            call.identify(self._tokens.next)
            if route is None:
                return _turned_down(call, self._routes.lost(call.path))
            if call.method not in route.methods:
                return _turned_down(call, wrong_method(route))
            return await route.handler(call)
        except RefusalError as refusal:
            return _turned_down(call, refusal)
        except GoneError:
            raise
        except Exception as error:  # noqa: BLE001  the last line of defence: no request goes unanswered
            return _turned_down(call, incident(call, error))

    def _besides(self, call: Request, answer: Answer, last: bool) -> list[tuple[str, str]]:
        """The fields that are of this answer alone."""
        more = list(answer.headers)
        if call.id and presentable(call.id):
            more.append(("x-request-id", call.id))
        if call.trace is not None:
            more.append(("traceresponse", call.trace.header))
        if last:
            more += _CLOSE
        return more

    def _part(self, call: Request) -> None:
        """Answer a client that stopped sending but may still read."""
        refusal = RefusalError("The body ended early.", code="incomplete")
        with contextlib.suppress(GoneError):
            call.sender.send(self._last(refusal), b"", last=True)


def _turned_down(call: Call, refusal: RefusalError) -> Answer:
    call.code = refusal.code
    return refused(refusal)


async def _compressed(call: Call, body: bytes, headers: list[tuple[str, str]]) -> bytes:
    chosen = coding.accepted(call.headers.get("accept-encoding") or "")
    headers.append(("vary", "accept-encoding"))
    if not chosen:
        return body
    headers.append(("content-encoding", chosen))
    if len(body) < coding.LARGE:
        return coding.deflated(body, chosen)
    return await asyncio.to_thread(coding.deflated, body, chosen)


__all__ = ["App"]
