"""Looking into objects that a cluster sent: every part may be absent."""

from __future__ import annotations

from datetime import datetime

from sealift.kubernetes.objects import Object
from sealift.types import Json


def part(one: Json, *path: str) -> Json:
    """What stands at a path of keys; None where the path ends before.

    >>> part({"status": {"phase": "Running"}}, "status", "phase")
    'Running'
    """
    for key in path:
        if not isinstance(one, dict):
            return None
        one = one.get(key)
    return one


def text(one: Json, *path: str) -> str:
    """A text at a path; empty where there is none."""
    found = part(one, *path)
    return found if isinstance(found, str) else ""


def count(one: Json, *path: str) -> int:
    """A whole number at a path; 0 where there is none."""
    found = part(one, *path)
    return found if isinstance(found, int) else 0


def entries(one: Json, *path: str) -> list[Object]:
    """The objects of a list at a path; none where there is no list."""
    found = part(one, *path)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def condition(one: Json, kind: str) -> Object:
    """The condition of this type in an object's status; empty where there is none."""
    found = [each for each in entries(one, "status", "conditions") if each.get("type") == kind]
    return found[0] if found else {}


def instant(one: Json, *path: str) -> float:
    """An instant at a path, in seconds since 1970; 0 where there is none.

    >>> instant({"at": "1970-01-01T00:00:02Z"}, "at")
    2.0
    """
    try:
        return datetime.fromisoformat(text(one, *path)).timestamp()
    except ValueError:
        return 0.0


def title(one: Json) -> str:
    """Kind and name, as in ``deployment delays-v3``."""
    return f"{text(one, 'kind').lower()} {text(one, 'metadata', 'name')}"


def managers(one: Json) -> list[str]:
    """Who set fields of an object."""
    return [text(each, "manager") for each in entries(one, "metadata", "managedFields")]


__all__ = ["condition", "count", "entries", "instant", "managers", "part", "text", "title"]
