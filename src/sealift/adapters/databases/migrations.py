"""How a database of any earlier version becomes one of today: numbered, forward, one by one.

Whoever calls ``migrate`` sees to it that no other process does at the same time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from sqlite3 import Connection
from typing import Any

import msgspec

from sealift.adapters.databases import schema
from sealift.errors import MachineError

Migration = Callable[[Connection], None]
Writing = Callable[[], AbstractContextManager[Connection]]
"""Begins a transaction that has the database to itself."""


def _records(connection: Connection) -> None:
    for statement in schema.RECORDS:
        connection.execute(statement)


def _observations(connection: Connection) -> None:
    for statement in schema.OBSERVATIONS:
        connection.execute(statement)


_RUNS = "SELECT serial, document FROM record WHERE kind = 'run' ORDER BY created, serial"
_HEAD = "UPDATE record SET document = ? WHERE serial = ?"
_STEP = """
    INSERT INTO step (run, key, finished, document, place, name, status)
    VALUES (?, ?, ?, ?, ?, ?, ?)
"""


def _steps(connection: Connection) -> None:
    """The steps leave the documents of their runs: each is a row that is written once."""
    for statement in schema.STEPS:
        connection.execute(statement)
    connection.execute("DELETE FROM step")
    for serial, document in connection.execute(_RUNS).fetchall():
        head = msgspec.json.decode(document)
        steps = head.pop("steps", ())
        rows = [(head["id"], *_row(place, step)) for place, step in enumerate(steps)]
        connection.executemany(_STEP, rows)
        connection.execute(_HEAD, (_text(head), serial))
    for statement in schema.STEPS_FOUND:
        connection.execute(statement)


def _row(place: int, step: dict[str, Any]) -> tuple[object, ...]:
    finished = step["started"] + step["seconds"]
    return step["key"], finished, _text(step), place, step["name"], step["status"]


def _text(document: dict[str, Any]) -> str:
    return msgspec.json.encode(document, order="deterministic").decode()


# Number N stands at place N-1. A migration that was published is never changed.
MIGRATIONS: tuple[Migration, ...] = (_records, _observations, _steps)


def current(connection: Connection) -> int:
    """The version of the schema that a database has; 0 for an empty one."""
    table = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'schema_version'"
    if connection.execute(table).fetchone() is None:
        return 0
    found = connection.execute("SELECT version FROM schema_version").fetchone()
    return int(found[0]) if found is not None else 0


def migrate(writing: Writing, where: str, steps: Sequence[Migration] = MIGRATIONS) -> int:
    """Take the steps that a database has not seen yet; returns the version it had.

    Each is one transaction together with its number, so that a crash leaves a version that
    exists. Raises ``MachineError`` for a database that a newer Sealift wrote.
    """
    with writing() as connection:
        first = current(connection)
    if first > len(steps):
        raise MachineError(
            f"The database has schema version {first}; this Sealift knows {len(steps)}.",
            where=where,
            remedy="A newer Sealift wrote it: install that version or a later one.",
        )
    for number, step in enumerate(steps[first:], start=first + 1):
        with writing() as connection:
            if number == 1:
                connection.execute(schema.VERSION)
                connection.execute("INSERT INTO schema_version VALUES (0)")
            step(connection)
            connection.execute("UPDATE schema_version SET version = ?", (number,))
    return first


__all__ = ["MIGRATIONS", "Migration", "Writing", "current", "migrate"]
