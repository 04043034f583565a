"""Digests that were worked out before, so that a large lake is read once and not every time.

A digest is believed only while the file's size, inode, time of change and time of status change
are the same, and only if it was quiet for a while before it was read: a change in the same tick
of the file system's clock would go unseen.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import msgspec

from sealift import clock, digest
from sealift.errors import DataError
from sealift.types import Digest

QUIET = 2.0
"""Seconds that a file must have been left alone; the coarsest clock of a file system in use."""


class Seen(msgspec.Struct, frozen=True, array_like=True):
    """What a file looked like when its digest was worked out."""

    size: int
    inode: int
    device: int
    modified: int
    changed: int
    digest: Digest

    def fits(self, status: os.stat_result) -> bool:
        """Whether a file that looks like this is still the same."""
        return (self.size, self.inode, self.device, self.modified, self.changed) == (
            status.st_size,
            status.st_ino,
            status.st_dev,
            status.st_mtime_ns,
            status.st_ctime_ns,
        )


class Memory:
    """The digests of one dataset's files, kept in the file ``path``."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._before = _load(path)
        self._now: dict[str, Seen] = {}

    def look(self, file: Path) -> tuple[int, Digest, bool]:
        """Size, digest (from memory if it is unchanged) and execute bit of a file.

        Safe to call from threads.

        Raises ``DataError`` when the file cannot be read, or changes while it is.
        """
        name = os.fspath(file)
        try:
            status = file.stat()
            seen = self._before.get(name)
            if seen is None or not seen.fits(status):
                seen = _read(file, status)
        except OSError as error:
            raise DataError(
                f"This file cannot be read: {error.strerror}.",
                where=name,
                remedy="Give yourself the right to read it.",
            ) from error
        newest = max(seen.modified, seen.changed) / 1e9
        if seen.fits(status) and clock.now() - newest > QUIET:
            self._now[name] = seen
        return seen.size, seen.digest, bool(status.st_mode & 0o100)

    def keep(self) -> None:
        """Write what was looked at; losing it costs time only, so errors are passed over."""
        if self._now == self._before:
            return
        temporary = self._path.with_name(f".{self._path.name}.{clock.token(8)}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(msgspec.json.encode(self._now))
            temporary.replace(self._path)
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


def _read(file: Path, before: os.stat_result) -> Seen:
    address = digest.of_file(file)
    seen = Seen(
        before.st_size,
        before.st_ino,
        before.st_dev,
        before.st_mtime_ns,
        before.st_ctime_ns,
        address,
    )
    if not seen.fits(file.stat()):
        raise DataError(
            "This file changes while it is read.",
            where=str(file),
            remedy="Wait until it is written, then run the command again.",
        )
    return seen


def _load(path: Path) -> dict[str, Seen]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Seen])
    except (OSError, msgspec.MsgspecError):
        return {}


__all__ = ["Memory"]
