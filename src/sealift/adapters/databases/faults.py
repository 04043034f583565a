"""What a database engine complains about, in Sealift's errors."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sealift.errors import IntegrityError, MachineError, SealiftError

# first words of SQLite's result codes (sqlite.org/rescode.html) -> error, what, remedy
FAULTS: dict[str, tuple[type[SealiftError], str, str]] = {
    "BUSY": (
        MachineError,
        "The database was held by another process for too long.",
        "Try again; if it lasts, find the process that holds it with `fuser`.",
    ),
    "LOCKED": (
        MachineError,
        "The database was held by another connection for too long.",
        "Try again.",
    ),
    "FULL": (
        MachineError,
        "The disk is full: nothing of this change was kept.",
        "Free some space and run the command again.",
    ),
    "IOERR": (
        MachineError,
        "The disk could not be read or written: nothing of this change was kept.",
        "Look for disk errors and free space, then run the command again.",
    ),
    "CORRUPT": (
        IntegrityError,
        "The database is damaged.",
        "Restore it from a backup, or move it away and save what `sqlite3 FILE .recover` finds.",
    ),
    "NOTADB": (
        IntegrityError,
        "The file is not a database, or its beginning is damaged.",
        "Restore it from a backup, or move it away to start with an empty one.",
    ),
    "READONLY": (
        MachineError,
        "The database cannot be written.",
        "Give yourself write permission on the file and its folder.",
    ),
    "CANTOPEN": (
        MachineError,
        "The database cannot be opened.",
        "Look at the permissions of the file and its folder.",
    ),
}


def translate(error: sqlite3.Error, where: str) -> SealiftError:
    """The error of ``errors.py`` that fits."""
    code = str(getattr(error, "sqlite_errorname", "")).removeprefix("SQLITE_").partition("_")[0]
    kind, what, remedy = FAULTS.get(
        code,
        (MachineError, f"The database refused the work: {error}", "Run `sealift doctor`."),
    )
    return kind(what, where=where, remedy=remedy)


@contextmanager
def mapped(where: str) -> Iterator[None]:
    """Inside, errors of the database come out as Sealift's."""
    try:
        yield
    except sqlite3.Error as error:
        raise translate(error, where) from error


__all__ = ["mapped", "translate"]
