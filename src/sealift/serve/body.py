"""What comes with a request: its body, within bounds, and its id."""

from __future__ import annotations

import asyncio

from granian.rsgi import HTTPProtocol, Scope

from sealift import clock
from sealift.serve.guard import ID_LENGTH
from sealift.serve.refusal import RefusalError

PATIENCE = 60.0
"""Seconds in which a body must have arrived."""


async def read_body(scope: Scope, protocol: HTTPProtocol, limit: int) -> bytes:
    """The body of a JSON request of at most ``limit`` bytes.

    Raises ``RefusalError``: 413 too large (told from the header, or while reading), 415 not JSON or
    compressed, 408 too slow.
    """
    headers = scope.headers
    _check_type(headers.get("content-type", ""), headers.get("content-encoding", ""))
    length = headers.get("content-length")
    if length is not None and length.isdecimal() and int(length[:20]) > limit:
        raise _too_large(limit)
    try:
        async with asyncio.timeout(PATIENCE):
            if length is not None:
                return await protocol()
            return await _read_pieces(protocol, limit)
    except TimeoutError as error:
        raise RefusalError(
            "The body did not arrive in time.", code="too_slow", status=408
        ) from error


def request_id(scope: Scope) -> str:
    """The id in ``X-Request-Id``, or a new one. Raises ``RefusalError`` for an unfit one."""
    given = scope.headers.get("x-request-id")
    if not given:
        return clock.token(20)
    if len(given) > ID_LENGTH or not presentable(given):
        raise RefusalError(
            f"X-Request-Id must have at most {ID_LENGTH} printable ASCII characters.",
            code="bad_id",
            path="X-Request-Id",
        )
    return str(given)


def presentable(text: str) -> bool:
    """Whether a text can stand in a header.

    >>> presentable("a-1"), presentable("a\\nb"), presentable("ä")
    (True, False, False)
    """
    return text.isascii() and text.isprintable()


def generation(scope: Scope) -> int:
    """The route in force, as the router says; 0 when the request did not come through it."""
    given = scope.headers.get("x-sealift-generation", "")
    return int(given) if given.isdecimal() and given.isascii() and len(given) < 16 else 0


async def _read_pieces(protocol: HTTPProtocol, limit: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    async for piece in protocol:
        size += len(piece)
        if size > limit:
            raise _too_large(limit)
        pieces.append(piece)
    return b"".join(pieces)


def _too_large(limit: int) -> RefusalError:
    return RefusalError(
        f"The body is larger than {limit} bytes; send fewer rows at once.",
        code="too_large",
        status=413,
    )


def _check_type(kind: str, encoding: str) -> None:
    essence = kind.partition(";")[0].strip().lower()
    if essence not in ("", "application/json"):
        raise RefusalError(
            f"The content type must be application/json, not {essence[:80]!r}.",
            code="not_json",
            path="Content-Type",
            status=415,
        )
    if encoding.strip().lower() not in ("", "identity"):
        raise RefusalError(
            "A compressed body is not understood; send it as it is.",
            code="compressed",
            path="Content-Encoding",
            status=415,
        )


__all__ = ["generation", "presentable", "read_body", "request_id"]
