"""Predictions meet their labels, whichever comes first."""

from __future__ import annotations

from collections.abc import Sequence
from sqlite3 import Connection
from typing import Literal

from sealift.adapters.databases.rows import of_label, of_prediction
from sealift.record.observation import Label, Prediction

WAITING = 1_000_000
"""A label waits for its prediction until so many labels came after it; then it is dropped."""
_PREDICTION = """
    INSERT INTO prediction (id, at, version, generation, number, text, seconds)
    VALUES (:id, :at, :version, :generation, :number, :text, :seconds)
    ON CONFLICT DO NOTHING
"""
# unless the prediction has a label already
_LABEL = """
    INSERT INTO waiting (id, number, text, at)
    SELECT :id, :number, :text, :at
    WHERE NOT EXISTS (SELECT 1 FROM scored WHERE scored.id = :id)
    ON CONFLICT DO NOTHING
"""
_PAIR = """
    INSERT INTO scored (id, number, text, labelled)
    SELECT waiting.id, waiting.number, waiting.text, waiting.at
    FROM prediction JOIN waiting ON waiting.id = prediction.id
    WHERE {new}.serial > ?
    ORDER BY {new}.serial
    ON CONFLICT DO NOTHING
"""
_LAST = "SELECT max(serial) FROM {table}"
_MET = "DELETE FROM waiting WHERE id IN (SELECT id FROM scored WHERE serial > ?)"

_Table = Literal["prediction", "waiting", "scored"]


def join(
    connection: Connection,
    predictions: Sequence[Prediction],
    labels: Sequence[Label],
    *,
    limit: int = WAITING,
) -> None:
    """Keep predictions and labels; each pair whose second half came now gets its serial number.

    A label that waits is dropped once ``limit`` labels came after it.
    """
    seen, waited = _last(connection, "prediction"), _last(connection, "waiting")
    connection.executemany(_PREDICTION, [of_prediction(new) for new in predictions])
    connection.executemany(_LABEL, [of_label(new) for new in labels])
    if predictions:
        _pair(connection, "prediction", seen)
    if labels:
        _pair(connection, "waiting", waited)
        last = _last(connection, "waiting")
        connection.execute("DELETE FROM waiting WHERE serial <= ?", (last - limit,))


def _last(connection: Connection, table: _Table) -> int:
    (found,) = connection.execute(_LAST.format(table=table)).fetchone()
    return int(found or 0)


def _pair(connection: Connection, table: _Table, after: int) -> None:
    """Join the rows of a table behind a serial with what waits for them.

    Ordered by the serial of the new rows, so that the old ones are looked up and never all read.
    """
    before = _last(connection, "scored")
    connection.execute(_PAIR.format(new=table), (after,))
    connection.execute(_MET, (before,))


__all__ = ["WAITING", "join"]
