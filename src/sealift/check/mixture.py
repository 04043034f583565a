"""Requests of several rows that are not those of the next request."""

from __future__ import annotations

from sealift.check.bodies import Row, good_rows
from sealift.check.subject import Subject

_STEP = 5
"""How far apart the rows of a request are in the list of golden ones."""


def mixed(subject: Subject, count: int, number: int) -> list[Row]:
    """So many rows that fit the contract, those of request ``number``."""
    known = good_rows(subject, max(1, len(subject.golden.rows)))
    return [known[(number + _STEP * place) % len(known)] for place in range(count)]


__all__ = ["mixed"]
