"""The observations: requests, predictions and labels as rows, sketches as counts."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from sealift.adapters.databases import rows, totals
from sealift.adapters.databases.connection import Database
from sealift.adapters.databases.joining import join
from sealift.record.observation import Label, Prediction, RequestSeen, Scored, Sketch
from sealift.types import Json

_REQUEST = """
    INSERT INTO request (at, generation, version, status, seconds)
    VALUES (:at, :generation, :version, :status, :seconds)
"""
_BY_REQUEST = """
    SELECT version, count(*), sum(CASE WHEN status >= 500 OR status = 0 THEN 1 ELSE 0 END)
    FROM request WHERE at >= ? GROUP BY version
"""
_BY_PREDICTION = """
    SELECT prediction.version, count(*), count(scored.serial)
    FROM prediction LEFT OUTER JOIN scored ON scored.id = prediction.id
    WHERE prediction.at >= ? GROUP BY prediction.version
"""
_FORGOTTEN = (
    "DELETE FROM scored WHERE id IN (SELECT id FROM prediction WHERE at < ?)",
    "DELETE FROM prediction WHERE at < ?",
    "DELETE FROM request WHERE at < ?",
    "DELETE FROM waiting WHERE at < ?",
    "DELETE FROM sketch WHERE since < ?",
)


class Happenings(Database):
    """The part of the database that is ``Observations``."""

    def add(
        self,
        *,
        cursors: dict[str, Json],
        requests: Sequence[RequestSeen] = (),
        predictions: Sequence[Prediction] = (),
        sketches: Sequence[Sketch] = (),
        labels: Sequence[Label] = (),
        after: dict[str, Json] | None = None,
    ) -> bool:
        """Add all of it and move the cursors, in one transaction; see ``ports.Observations``."""
        with self.writing() as connection:
            if after is not None and totals.moved(connection, after):
                return False
            connection.executemany(_REQUEST, [msgspec.structs.asdict(seen) for seen in requests])
            join(connection, predictions, labels)
            totals.add_up(connection, sketches)
            totals.move(connection, cursors)
        return True

    def cursors(self) -> dict[str, Json]:
        """How far each log has been read."""
        with self.reading() as connection:
            return totals.cursors(connection)

    def requests(self, *, after: int = 0, limit: int = 10_000) -> list[tuple[int, RequestSeen]]:
        """Requests with their serial numbers, in order, from the one behind ``after``."""
        new = f"{rows.REQUEST} WHERE serial > ? ORDER BY serial LIMIT ?"
        with self.reading() as connection:
            return [rows.to_request(row) for row in connection.execute(new, (after, limit))]

    def scored(self, *, after: int = 0, limit: int = 10_000) -> list[tuple[int, Scored]]:
        """Predictions joined with their labels, in the order in which the two met."""
        new = f"{rows.SCORED} WHERE scored.serial > ? ORDER BY scored.serial LIMIT ?"
        with self.reading() as connection:
            return [rows.to_scored(row) for row in connection.execute(new, (after, limit))]

    def sketches(self, version: int, *, since: float = 0.0) -> list[Sketch]:
        """The sketches of one version, by field and time."""
        mine = f"{rows.SKETCH} WHERE version = ? AND since >= ? ORDER BY field, since"
        with self.reading() as connection:
            return [rows.to_sketch(row) for row in connection.execute(mine, (version, since))]

    def counts(self, *, since: float = 0.0) -> dict[int, dict[str, int]]:
        """By version; a label counts when its prediction was made since then."""
        found: dict[int, dict[str, int]] = {}
        with self.reading() as connection:
            for number, first, second in connection.execute(_BY_REQUEST, (since,)):
                found[number] = {"requests": first, "failed": second, "predictions": 0, "labels": 0}
            for number, first, second in connection.execute(_BY_PREDICTION, (since,)):
                empty = {"requests": 0, "failed": 0, "predictions": 0, "labels": 0}
                found.setdefault(number, empty).update(predictions=first, labels=second)
        return dict(sorted(found.items()))

    def prune(self, before: float) -> int:
        """Forget what happened before an instant; returns the number of rows that went.

        Serial numbers are not given out again, so that whoever reads on from one misses nothing.
        Only evidence of releases that began after the instant can be worked out anew.
        """
        with self.writing() as connection:
            return sum(connection.execute(one, (before,)).rowcount for one in _FORGOTTEN)


__all__ = ["Happenings"]
