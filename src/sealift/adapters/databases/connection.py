"""A database file, opened so that several processes can write it and none is left half done."""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Connection

from sealift.adapters.databases.faults import mapped
from sealift.adapters.databases.locks import hold
from sealift.adapters.databases.migrations import migrate
from sealift.adapters.databases.unwritable import Unwritable, may_write
from sealift.errors import MachineError
from sealift.folders import unwritable

PATIENCE = 30.0
"""Seconds that a writer waits for another one."""


class Database:
    """SQLite in WAL mode: readers see one moment each, writers come one after the other.

    The file and its folder are made when they are missing, and brought to today's schema. A
    transaction that was committed is on the disk. One object serves any number of threads; after
    a fork the child makes its own. Where nothing may be written it can still be read.

    Raises ``MachineError`` (busy, full, newer Sealift) and ``IntegrityError`` (damaged).
    """

    def __init__(self, path: Path, *, patience: float = PATIENCE) -> None:
        self.path = path
        self._patience = patience
        self._unwritable = None if may_write(path) else Unwritable(path, patience)
        self._idle: list[Connection] = []
        weakref.finalize(self, _close, self._idle)
        if self._unwritable is None:
            self._make()

    def _make(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise MachineError(
                f"The folder of the database cannot be made: {error.strerror}.",
                where=str(self.path.parent),
                remedy="Give yourself write permission on the folder above it.",
            ) from error
        with hold(self.beside("_open"), wait=True):
            migrate(self.writing, str(self.path))

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one moment of the database."""
        if self._unwritable is not None:
            with self._unwritable.reading() as connection:
                yield connection
            return
        with self._transaction("DEFERRED") as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that has the database to itself from its first word on.

        Serial numbers are thereby given out in the order in which they become visible. Raises
        ``MachineError`` where nothing may be written.
        """
        self.require_writable()
        with self._transaction("IMMEDIATE") as connection:
            yield connection

    def require_writable(self) -> None:
        """Raises ``MachineError`` that says what to do where nothing may be written."""
        if self._unwritable is not None:
            raise unwritable(self.path.parent)

    def close(self) -> None:
        """Close all connections; the next use opens new ones."""
        _close(self._idle)

    def beside(self, name: str) -> Path:
        """The file of the lock of this name."""
        return self.path.with_name(f"{self.path.name}.{name}.lock")

    @contextmanager
    def _transaction(self, kind: str) -> Iterator[Connection]:
        """What is written is kept at the end, all of it; nothing after an error."""
        with mapped(str(self.path)):
            try:
                connection = self._idle.pop()
            except IndexError:
                connection = _open(self.path, self._patience)
            try:
                connection.execute(f"BEGIN {kind}")
                yield connection
                connection.commit()
            except BaseException:
                connection.close()
                raise
            self._idle.append(connection)


def _open(path: Path, patience: float) -> Connection:
    # the driver's own transactions begin too late for a reader and too weak for a writer
    made = sqlite3.connect(path, patience, isolation_level=None, check_same_thread=False)
    try:
        made.execute("PRAGMA journal_mode = WAL")
        made.execute("PRAGMA synchronous = FULL")
    except BaseException:
        made.close()
        raise
    return made


def _close(idle: list[Connection]) -> None:
    while idle:
        idle.pop().close()


__all__ = ["Database"]
