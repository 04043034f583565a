"""The ledger: records as JSON documents beside the columns that find them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from sqlite3 import Connection
from typing import Any, TypeVar

import msgspec

from sealift.adapters.databases.connection import Database
from sealift.adapters.databases.locks import hold
from sealift.errors import DataError, IntegrityError, NotFoundError, UsageError
from sealift.ports import T
from sealift.record.image import Image
from sealift.record.mark import Mark
from sealift.record.model import Model
from sealift.record.release import Release
from sealift.record.run import Run, StepRun
from sealift.types import Digest

D = TypeVar("D")

# kind -> (its name, the field that is its key, the field that orders it)
KINDS: dict[type[Any], tuple[str, str, str]] = {
    Run: ("run", "id", "started"),
    Model: ("model", "version", "created"),
    Image: ("image", "digest", "created"),
    Release: ("release", "id", "created"),
    Mark: ("mark", "id", "created"),
}

_ONE = "SELECT document FROM record WHERE kind = ? AND key = ?"
_NEWEST = "SELECT key FROM record WHERE kind = ? ORDER BY created DESC, serial DESC LIMIT 200"
_ALL = "SELECT key, document FROM record WHERE kind = ? ORDER BY created, serial"
_SAVE = """
    INSERT INTO record (kind, key, created, document) VALUES (:kind, :key, :created, :document)
    ON CONFLICT (kind, key) DO UPDATE SET created = excluded.created, document = excluded.document
"""
_NEXT = """
    SELECT 1 + max(
        coalesce((SELECT value FROM counter WHERE name = 'model'), 0),
        coalesce((SELECT max(CAST(key AS INTEGER)) FROM record WHERE kind = 'model'), 0)
    )
"""
_GIVEN = """
    INSERT INTO counter (name, value) VALUES ('model', ?)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value
"""
_CACHED = """
    SELECT document FROM step WHERE key = ? AND status = 'done'
    ORDER BY finished DESC, serial DESC LIMIT 1
"""
_LATEST = """
    SELECT document FROM step WHERE name = ? AND status <> 'skipped' ORDER BY serial DESC LIMIT 1
"""
_STEPS = "SELECT document FROM step WHERE run = ? ORDER BY place"
_FORGET = "DELETE FROM step WHERE run = ?"
_STEP = """
    INSERT INTO step (run, key, finished, document, place, name, status)
    VALUES (:run, :key, :finished, :document, :place, :name, :status)
    ON CONFLICT (run, place) DO UPDATE SET
        key = excluded.key, finished = excluded.finished, document = excluded.document,
        name = excluded.name, status = excluded.status
"""


class Records(Database):
    """The part of the database that is a ``Ledger``."""

    def save(self, record: Run | Model | Image | Release | Mark) -> None:
        """Insert or replace, in one transaction.

        Raises ``DataError`` for a record that could not be read back (a NaN in it).
        """
        with self.writing() as connection:
            _save(connection, record)
            if isinstance(record, Run):
                _set_steps(connection, record)

    def add_steps(self, run: str, steps: Mapping[int, StepRun]) -> None:
        """Add to a run how steps ended, by their place in it; all of them or none."""
        with self.writing() as connection:
            _add_steps(connection, run, steps.items())

    def amend(self, kind: type[T], key: str | int, change: Callable[[T], T]) -> T:
        """Read, change and write a record with nobody in between; returns what was written."""
        with self.writing() as connection:
            old = self._get(connection, kind, key)
            changed = change(old)
            _save(connection, changed)
            if isinstance(changed, Run) and isinstance(old, Run) and changed.steps != old.steps:
                _set_steps(connection, changed)
        return changed

    def amend_head(self, run: str, change: Callable[[Run], Run]) -> Run:
        """Amend a run without its steps, of which there may be very many."""
        with self.writing() as connection:
            changed = change(self._head(connection, Run, run))
            _save(connection, changed)
        return changed

    def get(self, kind: type[T], key: str | int) -> T:
        """One record; ``NotFoundError`` names what there is."""
        with self.reading() as connection:
            return self._get(connection, kind, key)

    def _get(self, connection: Connection, kind: type[T], key: str | int) -> T:
        return self._whole(connection, self._head(connection, kind, key))

    def _head(self, connection: Connection, kind: type[T], key: str | int) -> T:
        name = KINDS[kind][0]
        found = connection.execute(_ONE, (name, str(key))).fetchone()
        if found is not None:
            return self._decode(found[0], kind, f"{name} {key}")
        raise _missing(name, str(key), [known for (known,) in connection.execute(_NEWEST, (name,))])

    def all(self, kind: type[T]) -> list[T]:
        """Every record of a kind, oldest first."""
        with self.reading() as connection:
            return [self._whole(connection, one) for one in self._all(connection, kind)]

    def heads(self) -> list[Run]:
        """Every run without its steps, oldest first."""
        with self.reading() as connection:
            return self._all(connection, Run)

    def _all(self, connection: Connection, kind: type[T]) -> list[T]:
        name = KINDS[kind][0]
        found = connection.execute(_ALL, (name,)).fetchall()
        return [self._decode(document, kind, f"{name} {key}") for key, document in found]

    def _whole(self, connection: Connection, found: T) -> T:
        """A record as it was saved: a run with its steps."""
        if not isinstance(found, Run):
            return found
        rows = connection.execute(_STEPS, (found.id,)).fetchall()
        what = f"a step of run {found.id}"
        steps = tuple(self._decode(document, StepRun, what) for (document,) in rows)
        return msgspec.structs.replace(found, steps=steps)

    def next_version(self) -> int:
        """A model version that was never given out before, also by a process that then died."""
        with self.writing() as connection:
            (number,) = connection.execute(_NEXT).fetchone()
            connection.execute(_GIVEN, (number,))
        return int(number)

    def cached(self, key: Digest) -> StepRun | None:
        """The newest finished step with this key."""
        with self.reading() as connection:
            found = connection.execute(_CACHED, (key,)).fetchone()
        return None if found is None else self._decode(found[0], StepRun, f"step {key}")

    def latest(self, name: str) -> StepRun | None:
        """The newest outcome of a step of this name that was not skipped."""
        with self.reading() as connection:
            found = connection.execute(_LATEST, (name,)).fetchone()
        return None if found is None else self._decode(found[0], StepRun, f"step {name}")

    def exclusive(self, name: str) -> AbstractContextManager[None]:
        """Hold a lock of this name, a file beside the database; freed when its holder dies."""
        if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,99}", name):
            raise UsageError(f"{name!r} cannot name a lock.", remedy="Use a-z, 0-9, '.', '-', '_'.")
        self.require_writable()
        return hold(self.beside(name), what=name)

    def _decode(self, document: str, kind: type[D], what: str) -> D:
        try:
            return msgspec.json.decode(document, type=kind)
        except msgspec.DecodeError as error:
            raise IntegrityError(
                f"The record of {what} cannot be read: {error}.",
                where=str(self.path),
                remedy="Restore the database from a backup.",
            ) from error


def _save(connection: Connection, new: Run | Model | Image | Release | Mark) -> None:
    """Insert or replace a record; of a run its head, since its steps are rows of their own."""
    name, key, created = KINDS[type(new)]
    head = msgspec.structs.replace(new, steps=()) if isinstance(new, Run) else new
    values = {
        "kind": name,
        "key": str(getattr(new, key)),
        "created": getattr(new, created),
        "document": _encode(head),
    }
    connection.execute(_SAVE, values)


def _set_steps(connection: Connection, run: Run) -> None:
    connection.execute(_FORGET, (run.id,))
    _add_steps(connection, run.id, enumerate(run.steps))


def _add_steps(connection: Connection, run: str, steps: Iterable[tuple[int, StepRun]]) -> None:
    rows = (
        {
            "run": run,
            "key": one.key,
            "finished": one.started + one.seconds,
            "document": _encode(one),
            "place": place,
            "name": one.name,
            "status": one.status,
        }
        for place, one in steps
    )
    connection.executemany(_STEP, rows)


def _encode(value: Run | Model | Image | Release | Mark | StepRun) -> str:
    """Canonical JSON; what JSON cannot hold is refused now, not when it is wanted back."""
    document = msgspec.json.encode(value, order="deterministic")
    try:
        same = msgspec.json.decode(document, type=type(value)) == value
    except msgspec.DecodeError as error:
        raise DataError(
            f"A record cannot be kept: {error}.",
            where=type(value).__name__,
            remedy="Numbers in records must be finite.",
        ) from error
    if not same:
        raise DataError(
            "A record cannot be kept: it holds a number that is not finite.",
            where=type(value).__name__,
            remedy="Numbers in records must be finite.",
        )
    return document.decode()


def _missing(kind: str, key: str, known: list[str]) -> NotFoundError:
    if not known:
        return NotFoundError(f"There is no {kind} {key!r}; there is none at all yet.")
    near = difflib.get_close_matches(key, known, n=1)
    listed = ", ".join(known[:5]) + (", …" if len(known) > 5 else "")
    hint = f"Did you mean {near[0]!r}? " if near else ""
    return NotFoundError(f"There is no {kind} {key!r}.", remedy=f"{hint}Newest: {listed}.")


__all__ = ["Records"]
