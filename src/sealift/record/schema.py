"""The project file's JSON schema, so that editors complete keys and mark mistakes."""

from __future__ import annotations

import json

import msgspec

from sealift.record.project import Project
from sealift.types import Json


def schema() -> Json:
    """The JSON schema of ``sealift.toml`` (2020-12), made from the types of its records.

    >>> schema()["title"]
    'sealift.toml'
    """
    made: dict[str, Json] = msgspec.json.schema(Project)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "sealift.toml",
        **made,
    }


def text() -> str:
    """The schema as the file ``schema.json`` of the package holds it."""
    return json.dumps(schema(), indent=2) + "\n"


__all__ = ["schema", "text"]
