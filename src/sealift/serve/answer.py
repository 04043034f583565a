"""What goes back to a client."""

from __future__ import annotations

from typing import Any

import msgspec

from sealift.serve.refusal import RefusalError

JSON = "application/json"


class Answer(msgspec.Struct, frozen=True, gc=False):
    """A status, a body, and the headers of this answer alone; ``code`` says why it was refused."""

    status: int
    body: bytes
    kind: str = JSON
    headers: tuple[tuple[str, str], ...] = ()
    code: str = ""


def told(value: Any) -> Answer:
    """A value as JSON, status 200."""
    return Answer(200, msgspec.json.encode(value))


def refused(refusal: RefusalError) -> Answer:
    """The error object of the protocol, with a code for programs and the offending path."""
    body = {"error": refusal.what, "code": refusal.code}
    if refusal.where:
        body["path"] = refusal.where
    return Answer(
        refusal.status,
        msgspec.json.encode(body),
        headers=refusal.headers,
        code=refusal.code,
    )


__all__ = ["JSON", "Answer", "refused", "told"]
