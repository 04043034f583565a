"""Sketches, added up as they come, and the cursors that move with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert

from sealift.adapters.databases.rows import of_sketch, to_sketch
from sealift.adapters.databases.schema import cursor, sketch
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
            mine = (sketch.c.version == new.version) & (sketch.c.field == new.field)
            old = connection.execute(
                select(sketch).where(mine & (sketch.c.since == new.since))
            ).one_or_none()
            sums[key] = _sum(to_sketch(old), new) if old else new
        else:
            sums[key] = _sum(sums[key], new)
    rows = [of_sketch(total) for total in sums.values()]
    if rows:
        row = insert(sketch)
        new_values = {"counts": row.excluded.counts, "nulls": row.excluded.nulls}
        connection.execute(
            row.on_conflict_do_update(
                index_elements=["version", "field", "since"], set_=new_values
            ),
            rows,
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
        for name, value in connection.execute(select(cursor.c.name, cursor.c.value))
    }


def moved(connection: Connection, after: Mapping[str, Json]) -> bool:
    """Whether one of these cursors no longer has this value; one that is missing is None."""
    now = cursors(connection)
    return any(now.get(name) != value for name, value in after.items())


def move(connection: Connection, moves: Mapping[str, Json]) -> None:
    """Give these cursors their new values; others stay."""
    rows = [{"name": name, "value": _json(value)} for name, value in moves.items()]
    if rows:
        row = insert(cursor)
        connection.execute(
            row.on_conflict_do_update(index_elements=["name"], set_={"value": row.excluded.value}),
            rows,
        )


def _json(value: Json) -> str:
    return msgspec.json.encode(value, order="sorted").decode()


__all__ = ["add_up", "cursors", "move", "moved"]
