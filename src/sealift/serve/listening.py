"""The port: a socket for each worker, all of which the parent holds too.

The parent binds them; a worker listens once it can answer, and nobody is sent to it before.

With one socket for all, the worker that is quickest takes every connection: 32 of 32, measured.
So each has its own, among which the kernel spreads connections. As the parent holds them as well,
connections that a dying worker had not yet taken wait for the one that takes its place.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Sequence

from sealift.errors import MachineError, UsageError

Sockets = tuple[socket.socket, ...]
"""A worker's sockets: for HTTP, and for gRPC where that is on."""

BACKLOG = 4096
"""Connections that wait to be taken, for each worker; the system may allow fewer (somaxconn)."""


def claim(host: str, port: int, setting: str = "SEALIFT_PORT") -> socket.socket:
    """Take a port (a free one for 0), unless anybody has it: a socket that holds it while open.

    Nobody is answered by that one. It shares the port with those of ``bound``, and with no other
    server: that one's looks whether anybody listens come before these do. Raises ``MachineError``
    when the port is taken, ``UsageError`` for a host that is no address.
    """
    with _socket(host, port, setting) as probe:
        # beside it, before it goes: so there is no moment in which another could take the port
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        own = int(probe.getsockname()[1])
        holds = _socket(host, own, setting, socket.SO_REUSEPORT)
        # from here on nobody can listen who does not share it
        holds.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    return holds


def bound(host: str, ports: Sequence[int]) -> Sockets:
    """Sockets for one of several that listen on the ports. Raises ``MachineError``."""
    with contextlib.ExitStack() as stack:
        opened = [
            stack.enter_context(_socket(host, port, "SEALIFT_PORT", socket.SO_REUSEPORT))
            for port in ports
        ]
        stack.pop_all()
    return tuple(opened)


def _socket(host: str, port: int, setting: str, *options: int) -> socket.socket:
    opened = socket.socket(_family(host), socket.SOCK_STREAM)
    try:
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for option in (socket.SO_REUSEADDR, *options):
            opened.setsockopt(socket.SOL_SOCKET, option, 1)
        opened.bind((host, port))
        if not options:
            # only who listens learns that others do
            opened.listen(1)
    except OSError as error:
        opened.close()
        raise MachineError(
            f"The server cannot listen: {error.strerror}.",
            where=f"{host}:{port}",
            remedy=f"Choose a free port in {setting}.",
        ) from error
    return opened


def _family(host: str) -> socket.AddressFamily:
    """What kind of address this is; one of IPv6 may name its link (RFC 4007, 11)."""
    for family, address in ((socket.AF_INET, host), (socket.AF_INET6, host.partition("%")[0])):
        with contextlib.suppress(OSError, ValueError):
            socket.inet_pton(family, address)
            return family
    raise UsageError(f"SEALIFT_HOST must be an IP address, not {host!r}.")


__all__ = ["BACKLOG", "Sockets", "bound", "claim"]
