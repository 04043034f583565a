"""The head of a request: read by llhttp, and remembered, for clients that say the same again.

A connection sends almost the same bytes before every body. What they mean is a matter of these
bytes alone, so it is looked up before it is worked out.
"""

from __future__ import annotations

import re
from typing import Any

import httptools

from sealift.serve.refusal import RefusalError

LARGEST = 1 << 16
"""Bytes that a head may have."""

MOST = 128
"""Fields that a head may have."""

KNOWN = 256
"""Heads that are remembered."""

SHORT = 2048
"""Bytes of a head that is worth remembering."""

END = b"\r\n\r\n"

_HOST = re.compile(r"(?:\[[!$-.0-:;=A-Z_a-z~]+\]|[!$-.0-9;=A-Z_a-z~]*)(?::[0-9]*)?")
"""A host, and perhaps a port (RFC 9110, 7.2; the characters: RFC 3986, 3.2.2)."""


class Head:
    """What a request says before its body.

    ``length`` is that of the body in bytes, -1 where it comes in chunks; ``keeps`` says whether
    the client keeps the connection, ``expects`` whether it waits to be told to send the body;
    ``raw`` are its bytes. ``ticket`` is for whoever answers.
    """

    __slots__ = ("expects", "headers", "keeps", "length", "method", "path", "raw", "ticket")

    def __init__(self, method: str, path: str, headers: dict[str, str], *, keeps: bool) -> None:
        self.method = method
        self.path = path
        self.headers = headers
        self.keeps = keeps
        chunked = "transfer-encoding" in headers
        self.length = -1 if chunked else int(headers.get("content-length", "0"))
        self.ticket: Any = None
        self.raw = b""
        expected = headers.get("expect", "").lower()
        self.expects = "100-continue" in (one.strip() for one in expected.split(","))


class Heads:
    """Heads by their bytes."""

    def __init__(self) -> None:
        self._known: dict[bytes, Head] = {}

    def read(self, raw: bytes) -> Head:
        """What a head means; ``raw`` ends with its empty line. Raises ``RefusalError``."""
        found = self._known.get(raw)
        if found is None:
            found = parsed(raw)
            found.raw = raw
            if len(raw) <= SHORT:
                if len(self._known) >= KNOWN:
                    self._known.clear()
                self._known[raw] = found
        return found


class _Reading:
    """What the parser calls."""

    def __init__(self) -> None:
        self.parser: Any = httptools.HttpRequestParser(self)
        self.url = b""
        self.fields: list[tuple[bytes, bytes]] = []
        self.method = ""
        self.recent = False
        self.keeps = False
        self.heads = 0

    def on_url(self, url: bytes) -> None:
        """A path, or a part of it."""
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field."""
        self.fields.append((name, value))

    def on_headers_complete(self) -> None:
        """The end of a head; later the parser knows no more of it."""
        self.heads += 1
        self.method = self.parser.get_method().decode()
        self.recent = self.parser.get_http_version() == "1.1"
        # HTTP/1.0 keeps connections only where the answer says so too
        self.keeps = self.recent and self.parser.should_keep_alive()


def parsed(raw: bytes) -> Head:
    """Read a head. Raises ``RefusalError`` for what is none, or means nothing for sure.

    >>> head = parsed(b"POST /a%20b?c HTTP/1.1\\r\\nHost: a\\r\\nContent-Length: 5\\r\\n\\r\\n")
    >>> head.method, head.path, head.length, head.keeps
    ('POST', '/a b', 5, True)
    """
    reading = _Reading()
    try:
        reading.parser.feed_data(raw)
    except httptools.HttpParserUpgrade:
        # another protocol is offered; who does not want it goes on with this one (RFC 9110, 7.8)
        pass
    except httptools.HttpParserError as error:
        raise _bad(str(error)) from error
    finally:
        # it knows who reads: the collector, which comes late, would have to part them
        reading.parser = None
    first = raw.partition(b"\r\n")[0]
    if reading.heads != 1 or not first.endswith((b" HTTP/1.0", b" HTTP/1.1")):
        raise _bad("it is not HTTP/1.1")
    if len(reading.fields) > MOST:
        raise too_large()
    headers: dict[str, str] = {}
    for name, line in reading.fields:
        # blanks around a value are no part of it (RFC 9110, 5.5); the parser leaves those behind
        key, value = name.decode("ascii").lower(), line.strip(b" \t").decode("latin-1")
        # of a field that is repeated, the value is the list of all (RFC 9110, 5.2)
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    names = [name.lower() for name, _ in reading.fields]
    _check(headers, names, recent=reading.recent)
    return Head(reading.method, _path(reading.url), headers, keeps=reading.keeps)


def _check(headers: dict[str, str], names: list[bytes], *, recent: bool) -> None:
    """Refuse what servers before this one may understand differently (RFC 9112, 3.2 and 6.1)."""
    if names.count(b"host") != 1 and (recent or b"host" in names):
        raise _bad("it must have one Host")
    if not _HOST.fullmatch(headers.get("host", "")):
        raise _bad("its Host is no host with a port or without one")
    if "transfer-encoding" in headers:
        if not recent:
            raise _bad("HTTP/1.0 has no chunks")
        coding = headers["transfer-encoding"].lower()
        # the parser does not look at those of requests that offer another protocol
        if coding != "chunked" or names.count(b"transfer-encoding") > 1:
            raise _bad("the one known Transfer-Encoding is chunked")
    if len(headers.get("content-length", "")) > 18:
        raise _bad("Content-Length is too large")
    if not recent:
        headers.pop("expect", None)


def too_large() -> RefusalError:
    """431."""
    return RefusalError(
        f"The head of a request may have {LARGEST} bytes and {MOST} fields.",
        code="too_large",
        status=431,
    )


def unended() -> RefusalError:
    """400, for lines that do not end as they must."""
    return _bad("its lines do not end with CR LF")


def late(what: str) -> RefusalError:
    """408, for a part of a request that has begun and takes too long."""
    return RefusalError(f"The {what} did not arrive in time.", code="too_slow", status=408)


def _bad(why: str) -> RefusalError:
    return RefusalError(f"This is no request: {why}.", code="malformed_http")


def _path(url: bytes) -> str:
    text = url.decode("latin-1")
    if not text.startswith("/") and "://" in text:
        # the form that is for proxies: a host stands before the path, which may be missing
        text = text.partition("://")[2]
        host = text.partition("?")[0].partition("#")[0].partition("/")[0]
        text = "/" + text.removeprefix(host).removeprefix("/")
    path = text.partition("?")[0].partition("#")[0]
    return _unquoted(path) if "%" in path else path


def _unquoted(path: str) -> str:
    # paths of the protocol need it nowhere, and it brings much along
    from urllib.parse import unquote  # noqa: PLC0415

    return unquote(path, errors="replace")


__all__ = ["END", "LARGEST", "Head", "Heads", "late", "parsed", "too_large", "unended"]
