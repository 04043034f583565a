"""Who may come in, and how much they may bring."""

from __future__ import annotations

import hmac

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from sealift.web.answer import refuse

OPEN = ("/health",)
"""Routes that need no token."""

LARGEST = 8 << 20
"""Bytes that a request may have."""


class Guard:
    """Lets requests pass that carry ``Authorization: Bearer TOKEN``."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._word = b"bearer " + token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or answer 401."""
        if scope["type"] != "http" or scope["path"] in OPEN or self._allowed(scope):
            await self._app(scope, receive, send)
            return
        answer = refuse(
            401,
            "The request carries no valid token.",
            code="not-allowed",
            remedy="Send 'Authorization: Bearer TOKEN' with the token in .sealift/live/token.",
        )
        answer.headers["www-authenticate"] = "Bearer"
        await answer(scope, receive, send)

    def _allowed(self, scope: Scope) -> bool:
        for name, value in scope["headers"]:
            if name == b"authorization":
                scheme, _, word = value.partition(b" ")
                given = scheme.lower() + b" " + word.strip()
                return hmac.compare_digest(given, self._word)
        return False


async def body(request: Request) -> bytes:
    """The whole body; 413 as soon as it is too large."""
    parts, size = [], 0
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:20]) > LARGEST:
        raise _too_large()
    async for part in request.stream():
        size += len(part)
        if size > LARGEST:
            raise _too_large()
        parts.append(part)
    return b"".join(parts)


def _too_large() -> HTTPException:
    return HTTPException(413, f"The body has more than {LARGEST} bytes: send it in parts")


__all__ = ["Guard", "LARGEST", "body"]
