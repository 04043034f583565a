"""Predictions meet their labels, whichever comes first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Select, Table, bindparam, delete, func, select
from sqlalchemy.dialects.sqlite import insert

from sealift.adapters.databases.rows import of_label, of_prediction
from sealift.adapters.databases.schema import prediction, scored, waiting
from sealift.record.observation import Label, Prediction

WAITING = 1_000_000
"""A label waits for its prediction until so many labels came after it; then it is dropped."""


def add_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows; one whose unique column is taken changes nothing."""
    if rows:
        connection.execute(insert(table).on_conflict_do_nothing(), rows)


def _last(connection: Connection, table: Table) -> int:
    return connection.scalar(select(func.max(table.c.serial))) or 0


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
    seen, waited = _last(connection, prediction), _last(connection, waiting)
    add_rows(connection, prediction, [of_prediction(new) for new in predictions])
    if labels:
        _wait(connection, [of_label(new) for new in labels])
    if predictions:
        _pair(connection, prediction, seen)
    if labels:
        _pair(connection, waiting, waited)
        last = _last(connection, waiting)
        connection.execute(delete(waiting).where(waiting.c.serial <= last - limit))


def _wait(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep labels, unless their prediction has one already."""
    names = ["id", "number", "text", "at"]
    known = select(scored.c.id).where(scored.c.id == bindparam("id")).exists()
    values: Select[*tuple[Any, ...]] = select(*map(bindparam, names)).where(~known)
    into = insert(waiting).from_select(names, values)
    connection.execute(into.on_conflict_do_nothing(), rows)


def _pair(connection: Connection, table: Table, after: int) -> None:
    """Join the rows of a table behind a serial with what waits for them.

    Ordered by the serial of the new rows, so that the old ones are looked up and never all read.
    """
    columns = (waiting.c.id, waiting.c.number, waiting.c.text, waiting.c.at)
    pairs = (
        select(*columns)
        .select_from(prediction.join(waiting, waiting.c.id == prediction.c.id))
        .where(table.c.serial > after)
        .order_by(table.c.serial)
    )
    before = _last(connection, scored)
    into = insert(scored).from_select(["id", "number", "text", "labelled"], pairs)
    connection.execute(into.on_conflict_do_nothing())
    met = select(scored.c.id).where(scored.c.serial > before)
    connection.execute(delete(waiting).where(waiting.c.id.in_(met)))


__all__ = ["WAITING", "add_rows", "join"]
