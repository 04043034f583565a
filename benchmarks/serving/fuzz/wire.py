"""Damaged requests over the wire to a server that runs as in the image."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import selectors
import socket
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.serving.fuzz.mutate import Mutator
from benchmarks.serving.fuzz.seeds import Seed
from sealift import clock

CONNECTIONS = 16
PATIENCE = 20.0
MOST = 20
"""Faults after which the campaign ends: more would tell the same."""


@dataclass
class Seen:
    """How the server took it; ``held`` is its resident memory at equal distances, in bytes."""

    statuses: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    held: list[int] = field(default_factory=list)


class Line:
    """A connection with one request on its way."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._got = b""
        self.closing = False
        self.asked = Seed("", {}, b"")
        self.socket = socket.create_connection(("127.0.0.1", port))

    def send(self, asked: Seed) -> None:
        """Send a request whose framing is right."""
        self.asked = asked
        head = f"POST {asked.path} HTTP/1.1\r\nhost: x\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in asked.headers.items())
        head += f"content-length: {len(asked.body)}\r\n\r\n"
        with contextlib.suppress(ConnectionError):  # seen when the answer is read
            self.socket.sendall(head.encode("latin-1") + asked.body)

    def receive(self) -> tuple[int, bytes] | None:
        """The answer once it is whole; status 0 where the connection ended without one."""
        try:
            piece = self.socket.recv(1 << 18)
        except ConnectionError:
            piece = b""
        self._got += piece
        head, found, body = self._got.partition(b"\r\n\r\n")
        if found:
            fields = head.lower().split(b"\r\n")
            length = [one for one in fields if one.startswith(b"content-length:")]
            if length and len(body) >= int(length[0][15:]):
                self._got = b""
                self.closing = b"connection: close" in fields
                return int(head[9:12]), body
        if not piece:
            return 0, self._got
        return None

    def renew(self) -> None:
        """Begin anew, as a client does after its connection was closed."""
        self.socket.close()
        self._got = b""
        self.closing = False
        self.socket = socket.create_connection(("127.0.0.1", self._port))


def fuzz(port: int, mutator: Mutator, count: int, memory: Callable[[], int]) -> Seen:
    """Send so many damaged requests, and see that each is answered, and how."""
    seen = Seen()
    step = max(1, count // 60)
    lines = [Line(port) for _ in range(CONNECTIONS)]
    with selectors.EpollSelector() as selector:
        for number in range(0, count, CONNECTIONS):
            if number % step < CONNECTIONS:
                seen.held.append(memory())
            for line in lines:
                line.send(mutator.next())
                selector.register(line.socket, selectors.EVENT_READ, line)
            _answers(selector, seen)
            if len(seen.faults) >= MOST:
                break
    for line in lines:
        line.socket.close()
    return seen


def _answers(selector: selectors.BaseSelector, seen: Seen) -> None:
    until = clock.monotonic() + PATIENCE
    while waiting := selector.get_map():
        ready = selector.select(max(0.0, until - clock.monotonic()))
        if not ready:
            late = [key.data for key in waiting.values()]
            for line in late:
                seen.faults.append(f"no answer in {PATIENCE:g} s: {told(line.asked)}")
                selector.unregister(line.socket)
                line.renew()
        for key, _ in ready:
            line = key.data
            answer = line.receive()
            if answer is None:
                continue
            selector.unregister(line.socket)
            _judge(line, answer, seen)


def _judge(line: Line, answer: tuple[int, bytes], seen: Seen) -> None:
    status, body = answer
    seen.statuses[status] += 1
    if status == 0 or status >= 500:
        seen.faults.append(f"status {status}: {told(line.asked)}")
    elif status >= 400 and b'"error"' not in body:
        seen.faults.append(f"status {status} without a reason: {told(line.asked)}")
    if status == 0 or line.closing:
        line.renew()


def told(asked: Seed) -> str:
    """A request in a line, so that it can be sent again."""
    content = asked.body if len(asked.body) < 4000 else asked.body[:60]
    return json.dumps({"path": asked.path, "headers": asked.headers, "body": content.hex()})


def resident(pids: Callable[[], list[int]]) -> int:
    """The resident memory of processes in bytes."""
    pages = 0
    for pid in pids():
        with contextlib.suppress(OSError):
            pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def metric(port: int, name: str) -> float:
    """The sum of a metric over its labels."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))


__all__ = ["Seen", "fuzz", "metric", "resident", "told"]
