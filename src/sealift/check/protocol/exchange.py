"""A request that was sent and what came back, told so that anybody can send it again."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

import msgspec

from sealift.types import Json

LONGEST = 1500
"""Bytes of a body up to which it is repeated; of a longer one its beginning is."""
_TELLING = frozenset({"allow", "content-type", "inference-header-content-length", "retry-after"})


@dataclass(frozen=True)
class Exchange:
    """A request and its answer. ``status`` is 0 where no answer came; then ``lost`` says why.

    Names of headers are in lower case in ``received``.
    """

    method: str
    url: str
    headers: dict[str, str]
    body: bytes
    status: int
    received: dict[str, str]
    content: bytes
    lost: str = ""

    @property
    def answered(self) -> bool:
        """Whether anything came."""
        return bool(self.status)

    @property
    def ok(self) -> bool:
        """Whether the request was answered with 200."""
        return self.status == 200

    @property
    def json(self) -> Json:
        """The answer as JSON, strictly; None for what is none, which ``is_json`` tells apart."""
        try:
            value: Json = msgspec.json.decode(self.content)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        return value

    @property
    def is_json(self) -> bool:
        """Whether the answer is JSON as its standard has it: without NaN."""
        return self.json is not None or self.content.strip() == b"null"

    @property
    def object(self) -> dict[str, Json]:
        """The answer as a JSON object; an empty one for anything else."""
        value = self.json
        return value if isinstance(value, dict) else {}

    @property
    def command(self) -> str:
        """The command that sends the request again, for a shell."""
        words = ["curl", "-i"]
        if self.method != ("POST" if self.body else "GET"):
            words += ["-X", self.method]
        for name, value in self.headers.items():
            words += ["-H", f"{name}: {value}"]
        if not self.body:
            return shlex.join([*words, self.url])
        if len(self.body) <= LONGEST and _plain(self.body):
            return shlex.join([*words, "--data-binary", self.body.decode(), self.url])
        told, rest = self.body[:LONGEST], len(self.body) - LONGEST
        more = f"  # and {rest} bytes more" if rest > 0 else ""
        words += ["--data-binary", "@-", self.url]
        return f"printf {shlex.quote(escaped(told))} | {shlex.join(words)}{more}"

    @property
    def told(self) -> str:
        """The answer in short: status, the headers that matter here, the beginning of the body."""
        if not self.status:
            return f"no answer: {self.lost}"
        telling = [f"{name}: {self.received[name]}" for name in sorted(_TELLING & {*self.received})]
        text = self.content[:400].decode(errors="replace")
        more = "..." if len(self.content) > 400 else ""
        return " | ".join([str(self.status), *telling, text + more])


def _plain(body: bytes) -> bool:
    try:
        return body.decode().isprintable()
    except UnicodeDecodeError:
        return False


def escaped(body: bytes) -> str:
    """Bytes as the argument of printf(1).

    >>> print(escaped(bytes([0, 37, 97])))
    \\000%%a
    """
    special = {0x25: "%%", 0x5C: "\\\\"}
    return "".join(
        special.get(byte) or (chr(byte) if 0x20 <= byte < 0x7F else f"\\{byte:03o}")
        for byte in body
    )


__all__ = ["LONGEST", "Exchange", "escaped"]
