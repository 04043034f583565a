"""The tables. Every number, text and JSON document has a column type that PostgreSQL has too."""

from __future__ import annotations

VERSION = "CREATE TABLE schema_version (version INTEGER NOT NULL)"

# Version 1: records. The document is the whole truth; the other columns only find and order it.

RECORDS = (
    """CREATE TABLE record (
        serial INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL,
        key TEXT NOT NULL,
        created FLOAT NOT NULL,
        document TEXT NOT NULL,
        UNIQUE (kind, key)
    )""",
    """CREATE TABLE step (
        serial INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        run TEXT NOT NULL,
        key TEXT NOT NULL,
        finished FLOAT NOT NULL,
        document TEXT NOT NULL
    )""",
    "CREATE INDEX ix_step_run ON step (run)",
    "CREATE INDEX step_key ON step (key, finished)",
    """CREATE TABLE counter (
        name TEXT NOT NULL PRIMARY KEY,
        value INTEGER NOT NULL
    )""",
)

# Version 2: observations. An output or a label is either a number or a text; when both columns
# are null it was a NaN, which SQL has no word for.

OBSERVATIONS = (
    """CREATE TABLE request (
        serial INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        at FLOAT NOT NULL,
        generation INTEGER NOT NULL,
        version INTEGER NOT NULL,
        status INTEGER NOT NULL,
        seconds FLOAT NOT NULL
    )""",
    """CREATE TABLE prediction (
        serial INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        at FLOAT NOT NULL,
        version INTEGER NOT NULL,
        generation INTEGER NOT NULL,
        number FLOAT,
        text TEXT,
        seconds FLOAT NOT NULL
    )""",
    """CREATE TABLE waiting (
        serial INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        number FLOAT,
        text TEXT,
        at FLOAT NOT NULL
    )""",
    """CREATE TABLE scored (
        serial INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        number FLOAT,
        text TEXT,
        labelled FLOAT NOT NULL
    )""",
    """CREATE TABLE sketch (
        version INTEGER NOT NULL,
        field TEXT NOT NULL,
        since FLOAT NOT NULL,
        counts TEXT NOT NULL,
        nulls INTEGER NOT NULL,
        PRIMARY KEY (version, field, since)
    )""",
    """CREATE TABLE cursor (
        name TEXT NOT NULL PRIMARY KEY,
        value TEXT NOT NULL
    )""",
)

# Version 3: the steps of a run are rows alone, one each, at their place in the run's plan.

STEPS = (
    "ALTER TABLE step ADD COLUMN place INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE step ADD COLUMN name TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE step ADD COLUMN status TEXT NOT NULL DEFAULT 'done'",
)
STEPS_FOUND = (
    "DROP INDEX IF EXISTS ix_step_run",
    "CREATE UNIQUE INDEX step_place ON step (run, place)",
    "CREATE INDEX step_name ON step (name, serial)",
)

__all__ = ["OBSERVATIONS", "RECORDS", "STEPS", "STEPS_FOUND", "VERSION"]
