"""Who set which fields of an object: server-side apply, with every list as one value.

The real thing merges some lists by a key, so that two managers can share one; here the last one
that applies owns the whole list. Source: Kubernetes, "Server-Side Apply".
"""

from __future__ import annotations

import copy
from typing import TypeAlias

from sealift.kubernetes.objects import Object
from sealift.types import Json

Path: TypeAlias = tuple[str, ...]
Owners: TypeAlias = dict[str, set[Path]]

_OTHERWISE = {("apiVersion",), ("kind",), ("status",)}
_GIVEN = {"name", "namespace", "uid", "resourceVersion", "generation", "managedFields"}


def leaves(one: Object) -> dict[Path, Json]:
    """The fields of an object that somebody can own, with their values."""
    found: dict[Path, Json] = {}
    _walk(one, (), found)
    return {path: value for path, value in found.items() if _owned(path)}


def _owned(path: Path) -> bool:
    given = len(path) == 2 and path[0] == "metadata" and path[1] in _GIVEN
    return path[:1] not in _OTHERWISE and not given


def _walk(one: Json, path: Path, found: dict[Path, Json]) -> None:
    if isinstance(one, dict) and (one or not path):
        for key, value in one.items():
            _walk(value, (*path, key), found)
    else:
        found[path] = one


def conflicts(
    current: Object, wanted: dict[Path, Json], owners: Owners, manager: str
) -> list[tuple[str, str]]:
    """The fields that others set otherwise, each with who it was."""
    held = leaves(current)
    return [
        (other, "." + ".".join(path))
        for path, value in sorted(wanted.items(), key=lambda pair: pair[0])
        for other, paths in sorted(owners.items())
        if other != manager and path in paths and held.get(path) != value
    ]


def applied(
    current: Object, wanted: dict[Path, Json], owners: Owners, manager: str
) -> tuple[Object, Owners]:
    """An object after an apply, and who owns what then; conflicts are lost by the others."""
    held = leaves(current)
    changed = copy.deepcopy(current)
    kept = {
        other: {path for path in paths if path not in wanted or held.get(path) == wanted[path]}
        for other, paths in owners.items()
        if other != manager
    }
    for path in owners.get(manager, set()) - wanted.keys():
        if not any(path in paths for paths in kept.values()):
            _drop(changed, path)
    for path, value in wanted.items():
        put(changed, path, value)
    return changed, {**kept, manager: set(wanted)}


def put(one: Object, path: Path, value: Json) -> None:
    """Set a field."""
    for key in path[:-1]:
        inner = one.get(key)
        if not isinstance(inner, dict):
            inner = {}
            one[key] = inner
        one = inner
    one[path[-1]] = copy.deepcopy(value)


def _drop(one: Object, path: Path) -> None:
    """Remove a field, and what is empty above it."""
    inner = one.get(path[0])
    if len(path) == 1:
        one.pop(path[0], None)
    elif isinstance(inner, dict):
        _drop(inner, path[1:])
        if not inner:
            one.pop(path[0])


def written(owners: Owners, api: str) -> list[Json]:
    """The owners as an object's ``managedFields``."""
    found: list[Json] = []
    for manager, paths in sorted(owners.items()):
        fields: Object = {}
        for path in sorted(paths):
            put(fields, tuple(f"f:{key}" for key in path), {})
        found.append(
            {
                "manager": manager,
                "operation": "Apply",
                "apiVersion": api,
                "fieldsType": "FieldsV1",
                "fieldsV1": fields,
            }
        )
    return found


__all__ = ["Owners", "Path", "applied", "conflicts", "leaves", "put", "written"]
