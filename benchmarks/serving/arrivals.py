"""Open-loop load: requests are due at a constant rate, whatever became of those before.

``python -m benchmarks.serving.arrivals PORT RATE SECONDS CONNECTIONS FILE`` sends the bytes in
FILE, a whole HTTP request, and prints a record in JSON. The latency of a request counts from the
instant at which it was due, so that a server which stalls cannot hide it (no coordinated
omission): one that finds no free connection waits, and its wait counts.
"""

from __future__ import annotations

import re
import select
import socket
import sys
from collections import deque
from pathlib import Path

import msgspec

from sealift import clock

PATIENCE = 5.0
"""Seconds that are waited for answers after the last request was due."""

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Arrived(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the requests; ``latencies`` and ``late`` in seconds.

    ``late`` is how long after they were due requests went out on free connections: the error of
    the generator itself.
    """

    due: int
    bad: int
    latencies: list[float]
    late: list[float]


class Generator:
    """Sends one request over and over, on connections that are opened before."""

    def __init__(self, port: int, message: bytes, connections: int) -> None:
        self._message = message
        self._free: deque[socket.socket] = deque()
        self._asked: dict[socket.socket, float] = {}
        self._got: dict[socket.socket, bytes] = {}
        self._latencies: list[float] = []
        self._late: list[float] = []
        self._bad = 0
        for _ in range(connections):
            one = socket.create_connection(("127.0.0.1", port))
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._free.append(one)

    def run(self, rate: float, seconds: float) -> Arrived:
        """Keep the rate for so many seconds, then wait for the last answers."""
        total, sent = max(1, int(rate * seconds)), 0
        began = clock.monotonic()
        end = began + seconds + PATIENCE
        while len(self._latencies) + self._bad < total:
            now = clock.monotonic()
            if now > end or not (self._free or self._asked):
                break
            while sent < total and self._free and (due := began + sent / rate) <= now:
                self._send(due, now)
                sent += 1
            wait = end - now
            if sent < total and self._free:
                wait = max(0.0, began + sent / rate - clock.monotonic())
            self._receive(wait)
        lost = total - len(self._latencies) - self._bad
        return Arrived(due=total, bad=self._bad + lost, latencies=self._latencies, late=self._late)

    def close(self) -> None:
        """Close the connections."""
        for one in (*self._free, *self._asked):
            one.close()

    def _send(self, due: float, now: float) -> None:
        one = self._free.popleft()
        self._asked[one] = due
        self._late.append(now - due)
        one.sendall(self._message)

    def _receive(self, wait: float) -> None:
        # select has microseconds where poll and epoll have milliseconds
        ready, _, _ = select.select(list(self._asked), [], [], wait)
        for one in ready:
            piece = one.recv(1 << 16)
            content = self._got.pop(one, b"") + piece
            if not piece:
                self._bad += 1
                del self._asked[one]
                one.close()
            elif whole(content):
                due = self._asked.pop(one)
                if content.startswith(b"HTTP/1.1 200"):
                    self._latencies.append(clock.monotonic() - due)
                else:
                    self._bad += 1
                self._free.append(one)
            else:
                self._got[one] = content


def whole(content: bytes) -> bool:
    """Whether an answer has arrived to its end.

    >>> whole(b"HTTP/1.1 200 OK\\r\\ncontent-length: 2\\r\\n\\r\\nok"), whole(b"HTTP/1.1 200")
    (True, False)
    """
    head, found, body = content.partition(b"\r\n\r\n")
    if not found:
        return False
    length = _LENGTH.search(head)
    return len(body) >= int(length[1]) if length else body.endswith(b"0\r\n\r\n")


def percentile(values: list[float], share: float) -> float:
    """The smallest value that so large a share of the values does not exceed.

    >>> percentile([4.0, 1.0, 3.0, 2.0], 0.5), percentile([4.0, 1.0], 0.999)
    (2.0, 4.0)
    """
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * round(share * 1000) // 1000) - 1)]


if __name__ == "__main__":
    _port, _rate, _seconds, _connections, _file = sys.argv[1:]
    _generator = Generator(int(_port), Path(_file).read_bytes(), int(_connections))
    _found = _generator.run(float(_rate), float(_seconds))
    sys.stdout.write(msgspec.json.encode(_found).decode())


__all__ = ["Arrived", "Generator", "percentile", "whole"]
