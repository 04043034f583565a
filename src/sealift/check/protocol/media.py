"""Media types and compression."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import msgspec

from sealift.check.protocol.exchange import Exchange
from sealift.check.protocol.inference import same
from sealift.check.protocol.refusal import chosen
from sealift.check.protocol.rule import Fault, Seen, rest, rule
from sealift.check.protocol.server import JSON, Server

_EXAMPLES = "Inference Request Examples"
_SILENT = "; contradiction 7, nothing is said"


def _sent(server: Server, body: bytes = b"", **headers: str) -> Exchange:
    """The answer to a good body with these headers alone; ``_`` stands for a hyphen."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    content = body or msgspec.json.encode(server.good())
    return server.ask("POST", f"{server.path}/infer", content, named)


@rule("should", rest(_EXAMPLES))
def answers_say_they_are_json(server: Server) -> Iterator[Seen]:
    """Answers in JSON, errors too, have the media type application/json."""
    unknown = server.get("/v2/models/no-such-model")
    for answer in (server.about, server.metadata, server.answer, unknown):
        kind = answer.received.get("content-type", "").partition(";")[0].strip()
        if answer.content and kind != JSON:
            yield Fault(f"Content-Type is {kind!r}.", answer)


@rule("should", rest(_EXAMPLES))
def charset_does_no_harm(server: Server) -> Iterator[Seen]:
    """The media type of a request may have parameters: application/json; charset=utf-8."""
    answer = _sent(server, content_type=f"{JSON}; charset=utf-8")
    yield from same(server, answer, "A request with a charset")


@rule("unclear", rest(_EXAMPLES) + _SILENT)
def no_media_type(server: Server) -> Iterator[Seen]:
    """A request without a media type, or with another one, may be taken or refused."""
    yield from chosen("no Content-Type", _sent(server))
    yield from chosen("text/plain", _sent(server, content_type="text/plain"))


@rule("unclear", rest(_EXAMPLES) + _SILENT)
def compressed_request(server: Server) -> Iterator[Seen]:
    """A body that is compressed, and says so, may be taken or refused."""
    body = gzip.compress(msgspec.json.encode(server.good()), mtime=0)
    answer = _sent(server, body, content_type=JSON, content_encoding="gzip")
    yield from chosen("gzip", answer)
    if answer.ok:
        yield from same(server, answer, "A compressed request")


@rule("unclear", rest(_EXAMPLES) + _SILENT)
def unknown_compression(server: Server) -> Iterator[Seen]:
    """A compression that nobody knows may be refused in form."""
    answer = _sent(server, content_type=JSON, content_encoding="no-such-coding")
    yield from chosen("an unknown Content-Encoding", answer)


@rule("must", "HTTP Semantics (RFC 9110), 12.5.3 Accept-Encoding")
def compressed_answer(server: Server) -> Iterator[Seen]:
    """An answer for a client that takes gzip or nothing at all means the same."""
    for coding in ("gzip", "identity", "br;q=0, gzip;q=0.5"):
        answer = _sent(server, content_type=JSON, accept_encoding=coding)
        yield from same(server, answer, f"Accept-Encoding: {coding}")


RULES = (
    answers_say_they_are_json,
    charset_does_no_harm,
    no_media_type,
    compressed_request,
    unknown_compression,
    compressed_answer,
)

__all__ = ["RULES"]
