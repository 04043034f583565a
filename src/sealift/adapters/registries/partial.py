"""Unfinished downloads on disk: one holder at a time, found again after a crash."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from sealift import clock
from sealift.errors import MachineError
from sealift.types import Digest

_POLL = 0.1
_KEPT = 7 * 86_400.0
"""Seconds that an unfinished download is worth keeping."""


@contextlib.contextmanager
def partial(folder: Path, address: Digest, waiting: Callable[[], None]) -> Iterator[BinaryIO]:
    """The file of a download, with what there is of it; what is written goes to its end.

    It is gone when the block ends without error: moved by it, or deleted. While somebody else
    holds it, ``waiting`` is called and may raise. A holder that is killed leaves the file to the
    next. Raises ``MachineError`` when it cannot be written.
    """
    path = folder / address.removeprefix("sha256:")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = _held(path, waiting)
        with file:
            yield file
            path.unlink(missing_ok=True)
    except OSError as error:
        raise MachineError(
            f"A download cannot be kept: {error.strerror or error}.",
            where=str(folder),
            remedy="Free some space, or make the folder writable, then run the command again.",
        ) from error


def sweep(folder: Path) -> None:
    """Delete downloads that nobody holds and nobody went on with for a week."""
    for path in folder.glob("[0-9a-f]*"):
        with contextlib.suppress(OSError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if clock.now() - path.stat().st_mtime > _KEPT:
                path.unlink()


def _held(path: Path, waiting: Callable[[], None]) -> BinaryIO:
    while True:
        with contextlib.ExitStack() as closing:
            file = closing.enter_context(path.open("a+b"))
            # the last holder may have deleted the file between the two
            with contextlib.suppress(BlockingIOError, FileNotFoundError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                    closing.pop_all()
                    return file
        waiting()
        clock.sleep(_POLL)


__all__ = ["partial", "sweep"]
