"""A container that must not outlive its caller, however that dies.

A small shell, in a session of its own, reads from a pipe whose other end only the caller has open.
The kernel closes that end when the caller dies; the shell then runs what ends the container. The
kernel's own signal on the death of a parent is not enough: a container is started in several steps,
and it gets lost when the caller dies between two of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sealift import process

NOWHERE = Path("/dev/null")
WATCH = 'read -r word <"/proc/self/fd/$1" && exit; shift; exec "$@"'


@contextmanager
def lease(*words: str) -> Iterator[None]:
    """The command ``words`` is run if this process dies before the block ends."""
    reader, writer = os.pipe()
    try:
        watchdog = process.spawn(
            ["/bin/sh", "-c", WATCH, "sh", str(reader), *words],
            log=NOWHERE,
            detach=True,
            pass_fds=(reader,),
        )
    except BaseException:
        os.close(writer)
        raise
    finally:
        os.close(reader)
    try:
        yield
    finally:
        with suppress(BrokenPipeError):  # somebody killed the watchdog
            os.write(writer, b"done\n")
        os.close(writer)
        watchdog.wait()


__all__ = ["lease"]
