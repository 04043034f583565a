"""The machine's own network interface: which ports are free or in use, and what answers there."""

from __future__ import annotations

import http.client
import socket
from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"
_ESTABLISHED = "01"


@dataclass(frozen=True)
class Answer:
    """What a server said; the names of the headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


def get(port: int, path: str, *, timeout: float = 2.0) -> Answer | None:
    """Ask the server on a port by HTTP; None when no whole answer comes within ``timeout``."""
    connection = http.client.HTTPConnection(HOST, port, timeout=timeout)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, headers, answer.read())
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def free_port() -> int:
    """A port on which nothing listens now; whoever binds it first has it."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Whether a server could listen on this port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def connections(port: int) -> int:
    """How many connections a server on this port has open now, idle ones included."""
    count = 0
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            _, local, _, state = line.split()[:4]
            count += state == _ESTABLISHED and int(local.rpartition(":")[2], 16) == port
    return count


__all__ = ["HOST", "Answer", "connections", "free_port", "get", "is_free"]
