"""SQLite: the ledger and the observations of a project in one file."""

from __future__ import annotations

from sealift.adapters.databases.happenings import Happenings
from sealift.adapters.databases.records import Records


class Sqlite(Records, Happenings):
    """Both ports, ``Ledger`` and ``Observations``, on the SQLite file at ``path``."""


__all__ = ["Sqlite"]
