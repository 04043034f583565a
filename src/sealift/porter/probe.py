"""Whether the pod of a step is really shut off: the API of its own cluster is asked for.

Its address stands in the environment of every container. A policy that lets nothing out keeps it
away; where it answers, nobody enforces the policy. Some networks take a moment to put one in force,
so that an answer counts when it comes twice.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from sealift import clock
from sealift.kubernetes.porter import OPEN, SHUT

PATIENCE = 1.0
"""Seconds in which an address that is reached at all has answered, and between two attempts."""


@contextmanager
def probing(wanted: bool) -> Iterator[Callable[[], str]]:
    """Look while the block runs; afterwards it gives what was found, nothing if not wanted."""
    host = os.environ.get("KUBERNETES_SERVICE_HOST", "")
    port = os.environ.get("KUBERNETES_SERVICE_PORT", "")
    if not wanted or not host or not port.isdecimal():
        yield str
        return
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(_look, host, int(port))
        yield found.result


def _look(host: str, port: int) -> str:
    if not _answers(host, port):
        return SHUT
    clock.sleep(PATIENCE)
    return OPEN if _answers(host, port) else SHUT


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=PATIENCE):
            return True
    except OSError:
        return False


__all__ = ["probing"]
