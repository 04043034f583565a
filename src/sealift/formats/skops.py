"""Files of skops: a schema in JSON that names the types to rebuild, beside plain arrays."""

from __future__ import annotations

from typing import Any

import msgspec

from sealift.formats.evidence import Evidence
from sealift.formats.known import kind

SCHEMA = "schema.json"


def names(schema: bytes, seen: Evidence) -> None:
    """The types and functions that loading would import, as far as they are not harmless.

    What is harmless is only data here, because skops calls nothing but what its schema names.
    """
    try:
        waiting: list[Any] = [msgspec.json.decode(schema)]
    except (msgspec.DecodeError, RecursionError):
        seen.doubt(f"its {SCHEMA} is no JSON")
        return
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            path = f"{one.get('__module__')}.{one.get('__class__')}"
            if "__class__" in one and kind(path) != "harmless":
                seen.imports[path] = None
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one


__all__ = ["SCHEMA", "names"]
