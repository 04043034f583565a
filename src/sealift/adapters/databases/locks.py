"""Locks between processes that end with their holder, however it ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sealift.errors import MachineError, UsageError


@contextmanager
def hold(path: Path, *, wait: bool = False, what: str = "") -> Iterator[None]:
    """Hold the lock of a file, which is made when missing and stays behind, empty or not.

    The kernel frees it when the holder ends, even by ``kill -9``. With ``wait`` it is waited for;
    without, ``UsageError`` names the process that holds it. ``MachineError`` when the file cannot
    be made or locked.
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _refused(path, error) from error
    try:
        _lock(handle, path, wait, what)
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)


def _lock(handle: int, path: Path, wait: bool, what: str) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(handle, 32, 0).decode(errors="replace") or "unknown"
        raise UsageError(
            f"Another {what or path.stem} is running (pid {holder}).",
            where=str(path),
            remedy="Wait for it, or end it.",
        ) from error
    except OSError as error:
        raise _refused(path, error) from error


def _refused(path: Path, error: OSError) -> MachineError:
    return MachineError(
        f"The lock cannot be taken: {error.strerror}.",
        where=str(path),
        remedy="Look at the permissions of the folder, and that its file system has locks.",
    )


__all__ = ["hold"]
