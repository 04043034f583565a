"""The observations: requests, predictions and labels as rows, sketches as counts."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import case, delete, func, or_, select

from sealift.adapters.databases import rows, totals
from sealift.adapters.databases.connection import Database
from sealift.adapters.databases.joining import add_rows, join
from sealift.adapters.databases.schema import prediction, request, scored, sketch, waiting
from sealift.record.observation import Label, Prediction, RequestSeen, Scored, Sketch
from sealift.types import Json


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
            add_rows(connection, request, [msgspec.structs.asdict(seen) for seen in requests])
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
        new = select(request).where(request.c.serial > after).order_by(request.c.serial)
        with self.reading() as connection:
            return [rows.to_request(row) for row in connection.execute(new.limit(limit))]

    def scored(self, *, after: int = 0, limit: int = 10_000) -> list[tuple[int, Scored]]:
        """Predictions joined with their labels, in the order in which the two met."""
        new = rows.SCORED.where(scored.c.serial > after).order_by(scored.c.serial)
        with self.reading() as connection:
            return [rows.to_scored(row) for row in connection.execute(new.limit(limit))]

    def sketches(self, version: int, *, since: float = 0.0) -> list[Sketch]:
        """The sketches of one version, by field and time."""
        mine = (sketch.c.version == version) & (sketch.c.since >= since)
        found = select(sketch).where(mine).order_by(sketch.c.field, sketch.c.since)
        with self.reading() as connection:
            return [rows.to_sketch(row) for row in connection.execute(found)]

    def counts(self, *, since: float = 0.0) -> dict[int, dict[str, int]]:
        """By version; a label counts when its prediction was made since then."""
        bad = or_(request.c.status >= 500, request.c.status == 0)
        failed = func.sum(case((bad, 1), else_=0))
        labels = func.count(scored.c.serial)
        by_request = (
            select(request.c.version, func.count(), failed)
            .where(request.c.at >= since)
            .group_by(request.c.version)
        )
        by_prediction = (
            select(prediction.c.version, func.count(), labels)
            .select_from(prediction.outerjoin(scored, scored.c.id == prediction.c.id))
            .where(prediction.c.at >= since)
            .group_by(prediction.c.version)
        )
        found: dict[int, dict[str, int]] = {}
        with self.reading() as connection:
            for number, first, second in connection.execute(by_request):
                found[number] = {"requests": first, "failed": second, "predictions": 0, "labels": 0}
            for number, first, second in connection.execute(by_prediction):
                empty = {"requests": 0, "failed": 0, "predictions": 0, "labels": 0}
                found.setdefault(number, empty).update(predictions=first, labels=second)
        return dict(sorted(found.items()))

    def prune(self, before: float) -> int:
        """Forget what happened before an instant; returns the number of rows that went.

        Serial numbers are not given out again, so that whoever reads on from one misses nothing.
        Only evidence of releases that began after the instant can be worked out anew.
        """
        old = select(prediction.c.id).where(prediction.c.at < before)
        statements = (
            delete(scored).where(scored.c.id.in_(old)),
            delete(prediction).where(prediction.c.at < before),
            delete(request).where(request.c.at < before),
            delete(waiting).where(waiting.c.at < before),
            delete(sketch).where(sketch.c.since < before),
        )
        with self.writing() as connection:
            return sum(connection.execute(statement).rowcount for statement in statements)


__all__ = ["Happenings"]
