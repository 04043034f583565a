"""The secret that callers of the control API show."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from sealift import clock
from sealift.errors import MachineError

LENGTH = 48


def token(path: Path) -> str:
    """The token in a file that only its owner may read; made at the first call.

    Processes that make it at the same time get the same one. Raises ``MachineError`` when the
    file cannot be made or does not hold a token.
    """
    try:
        if not path.exists():
            _make(path)
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
        found = path.read_bytes().strip()
    except OSError as error:
        raise MachineError(
            f"The token of the API cannot be read or made: {error.strerror}.",
            where=str(path),
            remedy="Look at the permissions of the folder.",
        ) from error
    if len(found) < LENGTH or not found.isalnum():
        raise MachineError(
            "The file does not hold a token.", where=str(path), remedy="Delete it and start again."
        )
    return found.decode()


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{clock.token(12)}")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(clock.token(LENGTH))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            path.hardlink_to(part)  # unlike a rename, leaves another process's token in place
    finally:
        part.unlink()


__all__ = ["token"]
