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
from threading import Lock
from weakref import finalize

from sealift import clock, process

NOWHERE = Path("/dev/null")
WATCH = 'read -r word <"/proc/self/fd/$1" && exit; shift; exec "$@"'


class Lease:
    """While it is open, the death of this process has the command ``words`` run."""

    def __init__(self, *words: str) -> None:
        reader, self._writer = os.pipe()
        try:
            self._watchdog = process.spawn(
                ["/bin/sh", "-c", WATCH, "sh", str(reader), *words],
                log=NOWHERE,
                detach=True,
                pass_fds=(reader,),
            )
        except BaseException:
            os.close(self._writer)
            raise
        finally:
            os.close(reader)

    def close(self) -> None:
        """Let the command be; to be called once."""
        with suppress(BrokenPipeError):  # somebody killed the watchdog
            os.write(self._writer, b"done\n")
        os.close(self._writer)
        self._watchdog.wait()


@contextmanager
def lease(*words: str) -> Iterator[None]:
    """The command ``words`` is run if this process dies before the block ends."""
    held = Lease(*words)
    try:
        yield
    finally:
        held.close()


class Guard:
    """One lease for many containers of this process: opened for the first, closed with its owner.

    The command gets the lease's name as its last word, by which it knows what to end.
    """

    def __init__(self, *words: str) -> None:
        self._words = words
        self._lock = Lock()
        self._name = ""

    def name(self) -> str:
        """The name of the lease, which is open from now on."""
        with self._lock:
            if not self._name:
                name = clock.token(32)
                finalize(self, Lease(*self._words, name).close)
                self._name = name
            return self._name


__all__ = ["Guard", "Lease", "lease"]
