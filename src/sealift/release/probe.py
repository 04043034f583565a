"""What the fleet asks a replica: whether it is ready, and whether anybody still talks to it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Protocol

from sealift.loopback import connections, free_port, get, is_free

_PATIENCE = 1.0


class Probe(Protocol):
    """The view of a replica from outside."""

    def ready(self, port: int, path: str) -> bool:
        """Whether it answers "ready" at a path.

        Sealift's own server has reproduced its golden vectors then, so it is warm too.
        """
        ...

    def idle(self, port: int) -> bool:
        """Whether no connection to it is open."""
        ...

    def port(self, wanted: int) -> int:
        """The wanted port if a server could listen on it, else a free one."""
        ...


class Loopback:
    """Asks replicas that listen on the machine's own interface."""

    def ready(self, port: int, path: str) -> bool:
        """Whether it says so within a second."""
        answer = get(port, path, timeout=_PATIENCE)
        return answer is not None and answer.status == HTTPStatus.OK

    def idle(self, port: int) -> bool:
        """Whether no connection to it is open.

        The router closes connections that it does not use after a second, so that this is
        exact: no request is in flight and none can come by a connection that is kept.
        """
        return connections(port) == 0

    def port(self, wanted: int) -> int:
        """The wanted port, or a free one when it is 0 or taken."""
        return wanted if wanted and is_free(wanted) else free_port()


__all__ = ["Loopback", "Probe"]
