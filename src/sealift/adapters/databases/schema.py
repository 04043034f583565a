"""The tables. Every number, text and JSON document has a column type that PostgreSQL has too."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

schema = MetaData()

version = Table("schema_version", schema, Column("version", Integer, nullable=False))

# Version 1: records. The document is the whole truth; the other columns only find and order it.

record = Table(
    "record",
    schema,
    Column("serial", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("created", Float, nullable=False),
    Column("document", Text, nullable=False),
    UniqueConstraint("kind", "key"),
    sqlite_autoincrement=True,
)

step = Table(
    "step",
    schema,
    Column("serial", Integer, primary_key=True),
    Column("run", Text, nullable=False, index=True),
    Column("key", Text, nullable=False),
    Column("finished", Float, nullable=False),
    Column("document", Text, nullable=False),
    Index("step_key", "key", "finished"),
    sqlite_autoincrement=True,
)

counter = Table(
    "counter",
    schema,
    Column("name", Text, primary_key=True),
    Column("value", Integer, nullable=False),
)

# Version 2: observations. An output or a label is either a number or a text; when both columns
# are null it was a NaN, which SQL has no word for.

request = Table(
    "request",
    schema,
    Column("serial", Integer, primary_key=True),
    Column("at", Float, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("status", Integer, nullable=False),
    Column("seconds", Float, nullable=False),
    sqlite_autoincrement=True,
)

prediction = Table(
    "prediction",
    schema,
    Column("serial", Integer, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("at", Float, nullable=False),
    Column("version", Integer, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("number", Float),
    Column("text", Text),
    Column("seconds", Float, nullable=False),
    sqlite_autoincrement=True,
)

waiting = Table(
    "waiting",
    schema,
    Column("serial", Integer, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("number", Float),
    Column("text", Text),
    Column("at", Float, nullable=False),
    sqlite_autoincrement=True,
)

scored = Table(
    "scored",
    schema,
    Column("serial", Integer, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("number", Float),
    Column("text", Text),
    Column("labelled", Float, nullable=False),
    sqlite_autoincrement=True,
)

sketch = Table(
    "sketch",
    schema,
    Column("version", Integer, nullable=False),
    Column("field", Text, nullable=False),
    Column("since", Float, nullable=False),
    Column("counts", Text, nullable=False),
    Column("nulls", Integer, nullable=False),
    PrimaryKeyConstraint("version", "field", "since"),
)

cursor = Table(
    "cursor",
    schema,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

__all__ = [
    "schema",
    "version",
    "record",
    "step",
    "counter",
    "request",
    "prediction",
    "waiting",
    "scored",
    "sketch",
    "cursor",
]
