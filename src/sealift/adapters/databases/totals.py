"""Sketches, added up as they come, and the cursors that move with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from sqlite3 import Connection

import msgspec

from sealift.adapters.databases.rows import SKETCH, of_sketch, to_sketch
from sealift.errors import DataError
from sealift.record.observation import Sketch
from sealift.types import Json


def add_up(connection: Connection, sketches: Sequence[Sketch]) -> None:
    """Add sketches to those of the same version, field and time.

    Raises ``DataError`` when the bins of the two differ in number.
    """
    sums: dict[tuple[int, str, float], Sketch] = {}
    for new in sketches:
        key = (new.version, new.field, new.since)
        if key not in sums:
            mine = f"{SKETCH} WHERE version = ? AND field = ? AND since = ?"
            old = connection.execute(mine, key).fetchone()
            sums[key] = _sum(to_sketch(old), new) if old else new
        else:
            sums[key] = _sum(sums[key], new)
    connection.executemany(
        "INSERT INTO sketch (version, field, since, counts, nulls)"
        " VALUES (:version, :field, :since, :counts, :nulls)"
        " ON CONFLICT (version, field, since)"
        " DO UPDATE SET counts = excluded.counts, nulls = excluded.nulls",
        [of_sketch(total) for total in sums.values()],
    )


def _sum(old: Sketch, new: Sketch) -> Sketch:
    if len(old.counts) != len(new.counts):
        raise DataError(
            f"Field {new.field!r} of version {new.version} was counted in {len(old.counts)} bins "
            f"and now in {len(new.counts)}.",
            remedy="A version keeps its profile; give a changed model a new version.",
        )
    counts = tuple(a + b for a, b in zip(old.counts, new.counts, strict=True))
    return msgspec.structs.replace(old, counts=counts, nulls=old.nulls + new.nulls)


def cursors(connection: Connection) -> dict[str, Json]:
    """Every cursor by name."""
    return {
        name: msgspec.json.decode(value)
        for name, value in connection.execute("SELECT name, value FROM cursor")
    }


def moved(connection: Connection, after: Mapping[str, Json]) -> bool:
    """Whether one of these cursors no longer has this value; one that is missing is None."""
    now = cursors(connection)
    return any(now.get(name) != value for name, value in after.items())


def move(connection: Connection, moves: Mapping[str, Json]) -> None:
    """Give these cursors their new values; others stay."""
    connection.executemany(
        "INSERT INTO cursor (name, value) VALUES (?, ?)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        [(name, _json(value)) for name, value in moves.items()],
    )


def _json(value: Json) -> str:
    return msgspec.json.encode(value, order="sorted").decode()


__all__ = ["add_up", "cursors", "move", "moved"]
