"""Heads of answers as bytes; what is the same in all of a kind is put together once."""

from __future__ import annotations

from collections.abc import Sequence

from sealift import clock

_REASONS = {
    200: "OK",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    409: "Conflict",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}

MOST = 64
"""Beginnings that are remembered: more kinds than there are."""


class Heads:
    """Writes heads; ``always`` stands in all of them."""

    def __init__(self, always: Sequence[tuple[str, str]]) -> None:
        self._always = list(always)
        self._begun: dict[tuple[int, str, str], str] = {}
        self._second = 0
        self._date = ""

    def written(
        self,
        status: int,
        kind: str,
        version: str,
        length: int,
        more: Sequence[tuple[str, str]],
    ) -> bytes:
        """The head of an answer of so many bytes, of a media type, by a version of the model.

        The type is "" where there is no body.
        """
        rest = "".join([f"{name}: {value}\r\n" for name, value in more])
        head = f"{self.begun(status, kind, version)}{rest}{self.date()}content-length: {length}"
        return f"{head}\r\n\r\n".encode("latin-1")

    def date(self) -> str:
        """The line that tells what time it is."""
        at = clock.now()
        if at >= self._second + 1 or at < self._second:
            self._second, self._date = int(at), f"date: {clock.http_date(at)}\r\n"
        return self._date

    def begun(self, status: int, kind: str, version: str) -> str:
        """What all heads of a kind begin with."""
        return self._begun.get((status, kind, version)) or self._begin(status, kind, version)

    def _begin(self, status: int, kind: str, version: str) -> str:
        fields = [("content-type", kind)] if kind else []
        fields += self._always
        if version:
            fields.append(("x-sealift-version", version))
        lines = [f"HTTP/1.1 {status} {_REASONS.get(status, '')}"]
        lines += [f"{name}: {value}" for name, value in fields]
        if len(self._begun) >= MOST:
            self._begun.clear()
        begun = self._begun[(status, kind, version)] = "\r\n".join(lines) + "\r\n"
        return begun


__all__ = ["Heads"]
