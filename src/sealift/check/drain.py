"""A server that is told to end answers what it has begun, and then ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException
from typing import NamedTuple

import msgspec

from sealift import clock
from sealift.check.bodies import good_rows, rows_body
from sealift.check.check import Check, error, info
from sealift.check.target import Target
from sealift.errors import CheckError
from sealift.loopback import HOST, is_free
from sealift.record.report import Finding

UNDER_WAY = 8
"""Requests that are under way when the signal comes."""

SETTLE = 0.2
"""Seconds that a server has to take the connections before the signal comes."""

PATIENCE = 3.0
"""Seconds that a server may take to refuse new connections, before the last requests go on."""


def findings(target: Target) -> Iterator[Finding]:
    """Send SIGTERM while requests are half sent.

    The rest of one half of them follows once the server is not ready any more, that of the other
    once it takes no new connections.
    """
    body = msgspec.json.encode(rows_body(good_rows(target.subject, 4)))
    lost, took = ended(target, Request("/predict", body))
    yield from told(target, lost, took)


class Request(NamedTuple):
    """A request that a server is asked while it is told to end."""

    path: str
    body: bytes


def ended(target: Target, request: Request) -> tuple[list[str], float]:
    """End the server with requests under way: why some got no good answer, and seconds it took."""
    begun = [begin(target, request) for _ in range(UNDER_WAY)]
    try:
        # a connection that the server has not taken yet is nothing that it has begun
        clock.sleep(SETTLE)
        with ThreadPoolExecutor(1) as pool:
            signalled = clock.monotonic()
            ending = pool.submit(target.stop, grace=target.grace)
            deadline = signalled + min(PATIENCE, target.grace / 2)
            reasons = []
            wait_until(lambda: not is_ready(target), deadline)
            reasons += [finish(one, request) for one in begun[::2]]
            wait_until(lambda: is_free(target.port), deadline)
            reasons += [finish(one, request) for one in begun[1::2]]
            ending.result()
            took = clock.monotonic() - signalled
    finally:
        for one in begun:
            one.close()
    return [reason for reason in reasons if reason], took


def told(target: Target, lost: Sequence[str], took: float) -> Iterator[Finding]:
    """What the end of the server was like."""
    if lost:
        yield error(
            f"{len(lost)} of {UNDER_WAY} requests under way at SIGTERM got no good answer.",
            place=lost[0],
            remedy="On SIGTERM take no new connections, answer what has begun, then end.",
        )
    if took >= target.grace:
        yield error(
            f"It did not end within {target.grace:g} s of SIGTERM and was killed.",
            place=target.last_words,
            remedy="End once every request under way has been answered.",
        )
    if target.running():
        yield error("It still runs after it was ended.", place=target.last_words)
    yield info(f"{UNDER_WAY - len(lost)} requests under way answered, ended after {took:.2f} s")


def begin(target: Target, request: Request) -> HTTPConnection:
    """A connection on which a request is half sent."""
    connection = HTTPConnection(HOST, target.port, timeout=target.grace)
    try:
        connection.putrequest("POST", request.path)
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(len(request.body)))
        connection.endheaders(request.body[: len(request.body) // 2])
    except OSError as reason:
        raise CheckError("A request could not be begun.", where=str(reason)) from reason
    return connection


def finish(connection: HTTPConnection, request: Request) -> str:
    """Send the second half of a request; why no good answer came, or nothing."""
    return rest(connection, request.path, request.body[len(request.body) // 2 :])


def rest(connection: HTTPConnection, path: str, body: bytes) -> str:
    """Send what is left of a body; why no good answer came, or nothing."""
    try:
        connection.send(body)
        answer = connection.getresponse()
        content = answer.read()
    except (OSError, HTTPException) as reason:
        return f"POST {path}: {reason or type(reason).__name__}"
    if answer.status != 200:
        return f"POST {path}: {answer.status} {content[:100].decode(errors='replace')}"
    return ""


def is_ready(target: Target) -> bool:
    """Whether the server asks for more requests."""
    try:
        return target.get(target.launch.ready).status == 200
    except CheckError:
        return False


def wait_until(condition: Callable[[], bool], deadline: float) -> None:
    """Wait until a condition holds, or the deadline has come."""
    while not condition() and clock.monotonic() < deadline:
        clock.sleep(0.02)


CHECK = Check(
    name="drain",
    shows="On SIGTERM it answers the requests under way, then ends in time.",
    findings=findings,
)

__all__ = ["CHECK", "Request", "ended", "rest", "told"]
