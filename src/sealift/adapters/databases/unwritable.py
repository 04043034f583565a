"""Reading a database where nothing may be written: a read-only file system, another user's folder.

Three states of a database in WAL mode (sqlite.org/wal.html, "Read-Only Databases"):

- nobody has it open, and the last writer closed it: all of it is in one file. SQLite would have to
  make its two files beside it, and reads it only as "immutable", which takes no lock and believes
  that nobody writes. That is made sure of here, by a lock and a look before and after;
- somebody has it open, or died with it open: the two files are there, and SQLite reads them
  without writing;
- only one of the two is there: what it holds cannot be read without writing.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, nullcontext
from pathlib import Path
from sqlite3 import Connection

from sealift import clock
from sealift.adapters.databases.faults import mapped
from sealift.adapters.databases.migrations import MIGRATIONS, current, migrate
from sealift.errors import MachineError

PATIENCE = 5.0
"""Seconds that a reader waits for writers that come or go."""
PASSING = ("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_BUSY")
"""First words of what SQLite says while a writer comes or goes."""
SHARED = (0x40000002, 510)
"""Offset and length of the bytes that SQLite locks for readers (sqlite.org/fileformat2.html)."""


def may_write(path: Path) -> bool:
    """Whether this process may change the database at ``path``, or make one where there is none.

    Raises ``MachineError`` where it may not even look.
    """
    hidden = not os.access(path.parent, os.X_OK) and path.parent.is_dir()
    if hidden or (path.exists() and not os.access(path, os.R_OK)):
        raise MachineError(
            "The project's records may not be read.",
            where=str(path.parent if hidden else path),
            remedy="Ask whoever owns them for the right to read there.",
        )
    if path.exists() and not os.access(path, os.W_OK):
        return False
    folder = next(one for one in path.absolute().parents if one.is_dir())
    return os.access(folder, os.W_OK | os.X_OK)


class Unwritable:
    """Reads the database at ``path`` and leaves no trace; where there is none, an empty one."""

    def __init__(self, path: Path, patience: float = PATIENCE) -> None:
        self._path = path
        self._patience = min(patience, PATIENCE)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one moment of the database.

        Raises ``MachineError`` when somebody wrote in a way that could have been seen half.
        """
        with mapped(str(self._path)), ExitStack() as stack:
            yield self._opened(stack)

    def _opened(self, stack: ExitStack) -> Connection:
        if not self._path.exists():
            return stack.enter_context(_empty())
        deadline = clock.monotonic() + self._patience
        while True:
            try:
                way = _settled if not _beside(self._path) else _shared
                connection = stack.enter_context(way(self._path))
            except (sqlite3.Error, BlockingIOError) as error:
                if not _passing(error) or clock.monotonic() > deadline:
                    raise self._why(error) from error
                clock.sleep(0.05)
            else:
                _of_today(connection, self._path)
                return connection

    def _why(self, error: sqlite3.Error | BlockingIOError) -> Exception:
        """The error that tells why it cannot be read."""
        if isinstance(error, sqlite3.Error) and len(_beside(self._path)) != 1:
            return error
        return MachineError(
            "The database was not closed by who wrote it last, and cannot be read without writing.",
            where=str(self._path),
            remedy="Let `sealift status` be run once by somebody who may write the folder.",
        )


@contextmanager
def _settled(path: Path) -> Iterator[Connection]:
    """A database that is one file, while it is.

    A writer writes to the file beside it first, and deletes that only with the main file locked
    for itself alone. So as long as readers' lock is held here, a writer leaves a trace: without
    one, nothing of the main file has changed. The lock belongs to the open file, not to the
    process, which SQLite's own opening and closing would let go of.
    """
    with path.open("rb") as file:
        lock = struct.pack("hhqqi0q", fcntl.F_RDLCK, os.SEEK_SET, *SHARED, 0)
        fcntl.fcntl(file, fcntl.F_OFD_SETLK, lock)
        if _beside(path):
            raise BlockingIOError
        with _begun(path, "mode=ro&immutable=1") as connection:
            try:
                yield connection
            finally:
                if _beside(path):
                    raise MachineError(
                        "The database was opened for writing while it was read.",
                        where=str(path),
                        remedy="Run the command again.",
                    )


@contextmanager
def _shared(path: Path) -> Iterator[Connection]:
    """A database that others have open, or had when they died."""
    with _begun(path, "mode=ro") as connection:
        yield connection


@contextmanager
def _begun(path: Path, how: str) -> Iterator[Connection]:
    address = f"{path.absolute().as_uri()}?{how}"
    opened = sqlite3.connect(address, PATIENCE, isolation_level=None, uri=True)
    with closing(opened) as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # opens all files now
        yield connection


@contextmanager
def _empty() -> Iterator[Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate(lambda: nullcontext(connection), "memory")
        yield connection


def _of_today(connection: Connection, path: Path) -> None:
    found = current(connection)
    if found != len(MIGRATIONS):
        raise MachineError(
            f"The database has schema version {found}; this Sealift reads {len(MIGRATIONS)}.",
            where=str(path),
            remedy="Let `sealift status` of the newer version be run by who may write the folder.",
        )


def _beside(path: Path) -> list[Path]:
    """The files of SQLite that say that the main file is not all."""
    names = [path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal")]
    return [name for name in names if os.path.lexists(name)]


def _passing(error: sqlite3.Error | BlockingIOError) -> bool:
    if isinstance(error, BlockingIOError):
        return True
    return str(getattr(error, "sqlite_errorname", "")).startswith(PASSING)


__all__ = ["Unwritable", "may_write"]
