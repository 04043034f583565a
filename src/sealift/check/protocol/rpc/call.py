"""A call that was made and what came back, told so that anybody can make it again."""

from __future__ import annotations

import base64
import gzip
import math
import shlex
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import msgspec

from sealift.check.protocol.exchange import LONGEST, escaped
from sealift.check.protocol.rpc.messages import METHODS, SERVICE
from sealift.check.protocol.rpc.wire import MalformedError, read

CODES = (
    *("OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND"),
    *("ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION"),
    *("ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"),
    "UNAUTHENTICATED",
)
PREFIX = 5
"""Bytes before a message: whether it is compressed, and its length."""

_BY_HTTP = {400: 13, 401: 16, 403: 7, 404: 12, 429: 14, 502: 14, 503: 14, 504: 14}
_BY_RESET = {7: "UNAVAILABLE", 8: "CANCELLED", 11: "RESOURCE_EXHAUSTED", 12: "PERMISSION_DENIED"}


@dataclass(frozen=True)
class Heard:
    """What came back of one call; ``http`` is 0 where no headers came, ``reset`` -1 without one.

    ``after`` counts the frames that came when the call was over already.
    """

    http: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    trailers: Mapping[str, str] = field(default_factory=dict)
    data: bytes = b""
    reset: int = -1
    after: int = 0
    lost: str = ""


@dataclass(frozen=True)
class Call:
    """A call: ``body`` as it was sent, prefixes and all; ``value`` the message in it, if it is one.

    ``note`` says what cannot be seen from these, such as that the call was given up.
    """

    address: str
    path: str
    metadata: Mapping[str, str]
    body: bytes
    value: Mapping[str, Any] | None
    heard: Heard
    note: str = ""

    @property
    def answered(self) -> bool:
        """Whether anything came."""
        return bool(self.heard.http) or self.heard.reset >= 0

    @property
    def status(self) -> str:
        """The code by its name; derived, as gRPC has it, where the server gave none."""
        given = self.heard.trailers.get("grpc-status", "")
        if given.isdecimal() and int(given) < len(CODES):
            return CODES[int(given)]
        if self.heard.reset >= 0:
            return _BY_RESET.get(self.heard.reset, "INTERNAL")
        if not self.heard.http:
            return ""
        return CODES[_BY_HTTP.get(self.heard.http, 2)]

    @property
    def ended(self) -> bool:
        """Whether the server gave a code of its own, as it must."""
        return "grpc-status" in self.heard.trailers

    @property
    def ok(self) -> bool:
        """Whether all went well."""
        return self.status == "OK"

    @property
    def reason(self) -> str:
        """What the server says of an error."""
        return unquote(self.heard.trailers.get("grpc-message", ""))

    @property
    def messages(self) -> list[bytes]:
        """The messages of the answer. Raises ``MalformedError`` for what are none."""
        found: list[bytes] = []
        data = self.heard.data
        while data:
            size = int.from_bytes(data[1:PREFIX], "big")
            if len(data) < PREFIX + size:
                raise MalformedError("a message ends early")
            piece = data[PREFIX : PREFIX + size]
            found.append(self._inflated(piece) if data[0] else piece)
            data = data[PREFIX + size :]
        return found

    def _inflated(self, piece: bytes) -> bytes:
        coding = self.heard.headers.get("grpc-encoding", "")
        try:
            return gzip.decompress(piece) if coding == "gzip" else zlib.decompress(piece)
        except (OSError, EOFError, zlib.error) as error:
            raise MalformedError(f"it is not compressed as {coding!r}") from error

    @property
    def told_all(self) -> list[dict[str, Any]]:
        """The messages of the answer, read. Raises ``MalformedError``."""
        shape = METHODS[self.path][1]
        return [read(shape, one) for one in self.messages]

    @property
    def answer(self) -> dict[str, Any]:
        """The message of the answer; an empty one where none came that can be read."""
        try:
            return (self.told_all or [{}])[0]
        except MalformedError:
            return {}

    @property
    def command(self) -> str:
        """The command that makes the call again: grpcurl, or curl for what is no message."""
        note = f"  # {self.note}" if self.note else ""
        more = [word for pair in self.metadata.items() for word in ("-H", ": ".join(pair))]
        text = "" if self.value is None else json(self.value)
        if self.value is not None and len(text) <= 2 * LONGEST:
            words = ["grpcurl", "-plaintext", *self._proto(), *more, "-d", text, self.address]
            return shlex.join([*words, self.path[1:]]) + note
        kind = [] if "content-type" in self.metadata else ["-H", "content-type: application/grpc"]
        words = ["curl", "-i", "--http2-prior-knowledge", "-H", "te: trailers", *kind, *more]
        words += ["--data-binary", "@-", "--output", "-", f"http://{self.address}{self.path}"]
        cut, rest = self.body[:LONGEST], len(self.body) - LONGEST
        note += f"  # and {rest} bytes more" if rest > 0 else ""
        return f"printf {shlex.quote(escaped(cut))} | {shlex.join(words)}{note}"

    def _proto(self) -> list[str]:
        name = "grpc_service.proto" if "Stream" in self.path else "open_inference_grpc.proto"
        return ["-proto", name] if self.path.startswith(f"/{SERVICE}/") else []

    @property
    def told(self) -> str:
        """The answer in short."""
        if not self.answered:
            return f"no answer: {self.heard.lost}"
        parts = [self.status if self.ended else f"no grpc-status (HTTP {self.heard.http})"]
        if self.heard.reset >= 0:
            parts.append(f"RST_STREAM {self.heard.reset}")
        if self.reason:
            parts.append(self.reason[:300])
        if self.ok and self.path in METHODS:
            parts.append(json(self.answer)[:400])
        if self.heard.after:
            parts.append(f"{self.heard.after} frames more after its end")
        return " | ".join(parts)


def json(value: Mapping[str, Any]) -> str:
    """A message as the JSON of protocol buffers.

    >>> json({"raw_input_contents": [b"ab"]})
    '{"raw_input_contents":["YWI="]}'
    """
    return msgspec.json.encode(_plain(value)).decode()


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, float) and not math.isfinite(value):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value


def framed(message: bytes, flag: int = 0) -> bytes:
    """A message behind its prefix.

    >>> framed(b"ab")
    b'\\x00\\x00\\x00\\x00\\x02ab'
    """
    return bytes([flag]) + len(message).to_bytes(4, "big") + message


__all__ = ["CODES", "PREFIX", "Call", "Heard", "framed", "json"]
