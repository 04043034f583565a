"""Starts a program with sockets that listen already, handed over as systemd hands them over.

Run by its path, with nothing of Sealift: ``activation.py FD:NAME... -- PROGRAM ARGUMENT...``. The
process becomes the program. See sd_listen_fds(3): the sockets are the file descriptors from 3 on,
and LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES say whose they are, how many, and their names.
"""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Sequence

FIRST = 3
"""The file descriptor of the first socket."""


def arguments(sockets: Sequence[tuple[int, str]]) -> list[str]:
    """What goes before a program to be started with these sockets and names.

    >>> arguments([(7, "web")])[-2:]
    ['7:web', '--']
    """
    places = [f"{number}:{name}" for number, name in sockets]
    return [sys.executable, "-I", "-S", __file__, *places, "--"]


def _main(words: Sequence[str]) -> None:
    cut = words.index("--")
    places = [word.partition(":") for word in words[:cut]]
    after = FIRST + len(places)
    # first out of the way of one another
    aside = [fcntl.fcntl(int(number), fcntl.F_DUPFD, after) for number, _, _ in places]
    for number, held in enumerate(aside, FIRST):
        os.dup2(held, number)
    # A copy left open would go on listening after the program has closed its own.
    os.closerange(after, os.sysconf("SC_OPEN_MAX"))
    os.environ["LISTEN_PID"] = str(os.getpid())
    os.environ["LISTEN_FDS"] = str(len(places))
    os.environ["LISTEN_FDNAMES"] = ":".join(name for _, _, name in places)
    os.execv(words[cut + 1], list(words[cut + 1 :]))  # noqa: S606  (nobody waits for it here)


if __name__ == "__main__":
    _main(sys.argv[1:])

__all__ = ["FIRST", "arguments"]
