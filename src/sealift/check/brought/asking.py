"""Requests for a server of others, made from what is known of its model."""

from __future__ import annotations

from sealift.check.answer import Answer
from sealift.check.bodies import Row, tensors_body
from sealift.check.target import Target

NO_ROWS = "no row is known that it answers (package it with --table)"


def path(target: Target) -> str:
    """Where its model is asked."""
    return f"/v2/models/{target.subject.model.name}/infer"


def known_rows(target: Target, count: int) -> list[Row]:
    """Rows that it has answered before, repeated as needed; none where none is known."""
    rows = [dict(row) for row in target.subject.golden.rows]
    return [rows[number % len(rows)] for number in range(count)] if rows else []


def ask(target: Target, rows: list[Row], identifier: str = "") -> Answer:
    """The answer to some rows in one request."""
    return target.post(path(target), tensors_body(target.subject.contract, rows, identifier))


__all__ = ["NO_ROWS", "ask", "known_rows", "path"]
