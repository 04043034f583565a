"""How a database of any earlier version becomes one of today: numbered, forward, one by one.

Whoever calls ``migrate`` sees to it that no other process does at the same time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, Engine, insert, inspect, select, update

from sealift.adapters.databases import schema
from sealift.errors import MachineError

Migration = Callable[[Connection], None]


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
MIGRATIONS: tuple[Migration, ...] = (_records, _observations)


def current(connection: Connection) -> int:
    """The version of the schema that a database has; 0 for an empty one."""
    if not inspect(connection).has_table(schema.version.name):
        return 0
    found = connection.scalar(select(schema.version.c.version))
    return int(found) if found is not None else 0


def migrate(writing: Engine, where: str, steps: Sequence[Migration] = MIGRATIONS) -> int:
    """Take the steps that a database has not seen yet; returns the version it had.

    Each is one transaction together with its number, so that a crash leaves a version that
    exists. Raises ``MachineError`` for a database that a newer Sealift wrote.
    """
    with writing.begin() as connection:
        first = current(connection)
    if first > len(steps):
        raise MachineError(
            f"The database has schema version {first}; this Sealift knows {len(steps)}.",
            where=where,
            remedy="A newer Sealift wrote it: install that version or a later one.",
        )
    for number, step in enumerate(steps[first:], start=first + 1):
        with writing.begin() as connection:
            if number == 1:
                schema.version.create(connection)
                connection.execute(insert(schema.version).values(version=0))
            step(connection)
            connection.execute(update(schema.version).values(version=number))
    return first


__all__ = ["MIGRATIONS", "Migration", "current", "migrate"]
