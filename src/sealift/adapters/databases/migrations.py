"""How a database of any earlier version becomes one of today: numbered, forward, one by one."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, Engine, insert, inspect, select, update

from sealift.adapters.databases import schema
from sealift.errors import MachineError


def _records(connection: Connection) -> None:
    for table in (schema.record, schema.step, schema.counter):
        table.create(connection)


def _observations(connection: Connection) -> None:
    for table in (
        schema.request,
        schema.prediction,
        schema.waiting,
        schema.scored,
        schema.sketch,
        schema.cursor,
    ):
        table.create(connection)


# Number N stands at place N-1. A migration that was published is never changed: what it created
# from a table of today it creates by its own words once a later migration alters that table.
MIGRATIONS: tuple[Callable[[Connection], None], ...] = (_records, _observations)


def current(connection: Connection) -> int:
    """The version of the schema that a database has; 0 for an empty one."""
    if not inspect(connection).has_table(schema.version.name):
        return 0
    found = connection.scalar(select(schema.version.c.version))
    return int(found) if found is not None else 0


def migrate(writing: Engine, where: str, upto: int = len(MIGRATIONS)) -> int:
    """Bring a database to version ``upto``; returns the version it had.

    Each migration is one transaction together with its number, so that a crash leaves a version
    that exists. Raises ``MachineError`` for a database that a newer Sealift wrote.
    """
    with writing.begin() as connection:
        first = current(connection)
    if first > len(MIGRATIONS):
        raise MachineError(
            f"The database has schema version {first}; this Sealift knows {len(MIGRATIONS)}.",
            where=where,
            remedy="A newer Sealift wrote it: install that version or a later one.",
        )
    for number in range(first + 1, upto + 1):
        with writing.begin() as connection:
            _apply(connection, number)
    return first


def _apply(connection: Connection, number: int) -> None:
    if current(connection) >= number:
        return  # another process was faster
    if number == 1:
        schema.version.create(connection)
        connection.execute(insert(schema.version).values(version=0))
    MIGRATIONS[number - 1](connection)
    connection.execute(update(schema.version).values(version=number))


__all__ = ["MIGRATIONS", "current", "migrate"]
