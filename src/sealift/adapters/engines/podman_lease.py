"""A container that must not outlive its caller, although a daemon or a monitor holds it.

A small shell reads from a pipe whose other end only the caller has open. The kernel closes that end
when the caller dies, however it dies; the shell then removes the container.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sealift import process
from sealift.adapters.engines.podman_command import Command

NOWHERE = Path("/dev/null")
SCRIPT = 'read -r word <"/proc/self/fd/$1" || exec "$2" rm --force "$3"'


@contextmanager
def lease(command: Command, title: str) -> Iterator[None]:
    """The container ``title`` is removed if this process dies before the block ends."""
    reader, writer = os.pipe()
    try:
        words = ["/bin/sh", "-c", SCRIPT, "sh", str(reader), command.program, title]
        watchdog = process.spawn(words, log=NOWHERE, detach=True, pass_fds=(reader,))
    finally:
        os.close(reader)
    try:
        yield
        os.write(writer, b"done\n")
    finally:
        os.close(writer)
        watchdog.wait()


__all__ = ["lease"]
