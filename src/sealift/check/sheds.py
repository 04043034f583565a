"""A server that is told to take little on turns the rest away, and serves what it took."""

from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPConnection

import msgspec

from sealift.check import starts
from sealift.check.bodies import good_rows, rows_body
from sealift.check.check import Check, error, info
from sealift.check.drain import rest
from sealift.check.overload import SHED
from sealift.check.target import Target
from sealift.check.valid_request import shown
from sealift.errors import CheckError
from sealift.loopback import HOST
from sealift.record.report import Finding
from sealift.types import Json

PATH = "/predict"
CONTINUE = b"HTTP/1.1 100 "


def findings(target: Target) -> Iterator[Finding]:
    """Start it once more with room for one request, and ask it while it waits for a body."""
    body = rows_body(good_rows(target.subject, target.subject.contract.max_rows))
    size = len(msgspec.json.encode(body))
    little = {
        "SEALIFT_WORKERS": "1",
        "SEALIFT_MAX_WAIT": "0",
        "SEALIFT_MAX_BODY": str(size),
        "SEALIFT_MAX_BODIES": str(size),
    }
    with target.beside(little) as narrow:
        for one in starts.findings(narrow):
            if one.severity != "info":
                yield one
        if narrow.ready:
            yield from judged(narrow, body)


def judged(narrow: Target, body: Json) -> Iterator[Finding]:
    """What becomes of a request beside one that takes all room, of that one, and of a later one."""
    content = msgspec.json.encode(body)
    first = taken(narrow, len(content))
    try:
        other = narrow.post(PATH, body)
        reason = rest(first, PATH, content)
    finally:
        first.close()
    if other.status not in SHED:
        yield error(
            f"With room for one request, another one was answered with {other.status}.",
            place=shown(other),
            remedy="Heed SEALIFT_MAX_WAIT and SEALIFT_MAX_BODIES: turn away by 429.",
        )
    if reason:
        yield error("The request that it had taken on got no good answer.", place=reason)
    after = narrow.post(PATH, rows_body(good_rows(narrow.subject, 1)))
    if after.status != 200:
        yield error("After it, a good request is not answered.", place=shown(after))
    yield info(f"beside a request that takes all room, another is answered with {other.status}")


def taken(narrow: Target, size: int) -> HTTPConnection:
    """A connection on which the server was told of a body and has asked for it (RFC 9110, 10.1.1).

    Raises ``CheckError`` when it does not ask.
    """
    connection = HTTPConnection(HOST, narrow.port, timeout=narrow.grace)
    said = b""
    try:
        connection.putrequest("POST", PATH)
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(size))
        connection.putheader("Expect", "100-continue")
        connection.endheaders()
        while not said.endswith(b"\r\n\r\n") and (byte := connection.sock.recv(1)):
            said += byte
    except OSError as reason:
        connection.close()
        raise CheckError("A request could not be begun.", where=str(reason)) from reason
    if not said.startswith(CONTINUE):
        connection.close()
        line = said.partition(b"\r\n")[0].decode(errors="replace")
        raise CheckError("The server did not ask for the body of a request.", where=line)
    return connection


CHECK = Check(
    name="sheds",
    shows="Told to take little on, it turns the rest away at once and serves what it took.",
    findings=findings,
)

__all__ = ["CHECK"]
