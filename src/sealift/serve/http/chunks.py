"""Bodies that come in chunks, taken apart by llhttp."""

from __future__ import annotations

from typing import Any

import httptools

from sealift.serve.http.head import END, LARGEST
from sealift.serve.refusal import RefusalError

_HEAD = b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n"


class Chunks:
    """One body; ``complete`` once its last chunk has come."""

    def __init__(self) -> None:
        self.complete = False
        self._found: list[bytes] = []
        self._tail = b""
        self._besides = 0
        self._parser: Any = httptools.HttpRequestParser(self)
        self._parser.feed_data(_HEAD)

    def take(self, data: bytes) -> tuple[bytes, int]:
        """What the body has in these bytes, and how many of them belong to it.

        Raises ``RefusalError`` for what are no chunks.
        """
        joint, before = self._tail + data, len(self._tail)
        begin = look = 0
        while not self.complete and begin < len(data):
            # the parser does not tell where a body ends, but each ends with an empty line
            found = joint.find(END, look)
            end = len(data) if found < 0 else found + len(END) - before
            look = found + 1
            self._feed(data[begin:end])
            begin = end
        self._tail = joint[1 - len(END) :]
        if self.complete:
            # it knows who reads: the collector, which comes late, would have to part them
            self._parser = None
        body = b"".join(self._found)
        self._besides = 0 if body else self._besides + len(data)
        self._found.clear()
        if self._besides > LARGEST:
            raise RefusalError(
                f"The chunks hold more than {LARGEST} bytes beside the body: send no extensions "
                "and trailers, and larger chunks.",
                code="malformed_http",
            )
        return body, begin

    def _feed(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._parser = None
            raise RefusalError(
                f"The chunks of the body are malformed: {error}.", code="malformed_http"
            ) from error

    def on_body(self, body: bytes) -> None:
        """A piece."""
        self._found.append(body)

    def on_message_complete(self) -> None:
        """The end."""
        self.complete = True


__all__ = ["Chunks"]
