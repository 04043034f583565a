"""The machine's own network interface: which ports are free or in use, and what answers there."""

from __future__ import annotations

import contextlib
import http.client
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

HOST = "127.0.0.1"
_ESTABLISHED = "01"
_LISTENING = "0A"
_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
_LOCAL = ("0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F")
"""127.0.0.1, ::1, and the former as the latter's kind writes it, in the kernel's order of bytes."""


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
    return sum(one.state == _ESTABLISHED for one in _sockets(port))


def exposed(port: int) -> bool:
    """Whether a server on this port listens on more than the machine's own interface."""
    found = [one.address for one in _sockets(port) if one.state == _LISTENING]
    return any(address not in _LOCAL for address in found)


def listeners(port: int) -> list[int]:
    """The ids of the processes that listen on a port, as far as they may be looked at."""
    marks = {f"socket:[{one.inode}]" for one in _sockets(port) if one.state == _LISTENING}
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            if any(_target(one) in marks for one in (folder / "fd").iterdir()):
                found.append(int(folder.name))
    return sorted(found)


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""


class _Socket(NamedTuple):
    address: str
    state: str
    inode: str


def _sockets(port: int) -> Iterator[_Socket]:
    """The sockets whose local port this is (proc(5), net/tcp)."""
    for table in _TABLES:
        try:
            lines = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            words = line.split()
            address, _, number = words[1].rpartition(":")
            if int(number, 16) == port:
                yield _Socket(address, words[3], words[9])


__all__ = [
    "HOST",
    "Answer",
    "connections",
    "exposed",
    "free_port",
    "get",
    "is_free",
    "listeners",
]
