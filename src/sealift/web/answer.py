"""What the API sends: records as JSON, and every error in one form."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from sealift.errors import (
    DataError,
    NotFoundError,
    ReleaseError,
    SealiftError,
    UsageError,
)


class Refusal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An error: what happened, a word for programs, where, and what to do next."""

    error: str
    code: str
    path: str = ""
    remedy: str = ""


CODES: tuple[tuple[type[SealiftError], int, str], ...] = (
    (NotFoundError, 404, "not-found"),
    (DataError, 400, "bad-data"),
    (UsageError, 409, "not-possible"),
    (ReleaseError, 409, "not-possible"),
)
WORDS = {401: "not-allowed", 404: "not-found", 405: "wrong-method", 413: "too-large"}


def send(value: Any, status: int = 200) -> Response:
    """A record, or a dictionary of records, as JSON."""
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def refuse(status: int, what: str, *, code: str, path: str = "", remedy: str = "") -> Response:
    """An error that has no class of its own."""
    return send(Refusal(error=what, code=code, path=path, remedy=remedy), status)


def of_sealift(_request: Request, error: Exception) -> Response:
    """A foreseen error; what is not the caller's doing is 503."""
    assert isinstance(error, SealiftError)
    fitting = ((status, code) for kind, status, code in CODES if isinstance(error, kind))
    status, code = next(fitting, (503, "machine"))
    return refuse(status, error.what, code=code, path=error.where, remedy=error.remedy)


def of_http(_request: Request, error: Exception) -> Response:
    """No such route, or not by this method."""
    assert isinstance(error, HTTPException)
    code = WORDS.get(error.status_code, "bad-request")
    answer = refuse(error.status_code, f"{error.detail}.", code=code)
    answer.headers.update(error.headers or {})
    return answer


__all__ = ["Refusal", "of_http", "of_sealift", "refuse", "send"]
