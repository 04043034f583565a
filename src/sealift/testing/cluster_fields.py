"""Who set which fields of an object: server-side apply, with lists that are merged by keys.

A path is a tuple of names of fields; an entry of a list is named as in ``managedFields``, such as
``k:{"name":"server"}`` by its keys, or ``v:"held"`` by its value. Lists without keys are one value.
Source: Kubernetes, "Server-Side Apply", "Merge strategy"; the list types of its OpenAPI document.
"""

from __future__ import annotations

import copy
from typing import TypeAlias

from sealift.kubernetes.objects import Object
from sealift.testing.cluster_lists import dressed, entry, merged, named, whole
from sealift.types import Json

Path: TypeAlias = tuple[str, ...]
Owners: TypeAlias = dict[str, set[Path]]

_OTHERWISE = {("apiVersion",), ("kind",), ("status",)}
_GIVEN = {"name", "namespace", "uid", "resourceVersion", "generation", "managedFields"}
_GIVEN |= {"creationTimestamp", "deletionTimestamp"}


def leaves(one: Object) -> dict[Path, Json]:
    """The fields of an object that somebody can own, with their values."""
    found: dict[Path, Json] = {}
    _walk(one, (), found)
    return {path: value for path, value in found.items() if _owned(path)}


def _owned(path: Path) -> bool:
    given = len(path) == 2 and path[0] == "metadata" and path[1] in _GIVEN
    return path[:1] not in _OTHERWISE and not given


def _walk(one: Json, path: Path, found: dict[Path, Json]) -> None:
    if isinstance(one, dict) and (one or not path) and not whole(path):
        for key, value in one.items():
            _walk(value, (*path, key), found)
    elif isinstance(one, list) and one and merged(path):
        for each in one:
            _walk(each, (*path, entry(path, each)), found)
    else:
        found[path] = one


def conflicts(
    current: Object, wanted: dict[Path, Json], owners: Owners, manager: str
) -> list[tuple[str, str]]:
    """The fields that others set otherwise, each with who it was."""
    held = leaves(current)
    return [
        (other, named(path))
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
    after = {**kept, manager: set(wanted)}
    used = {path[:depth] for paths in after.values() for path in paths for depth in _depths(path)}
    for path in owners.get(manager, set()) - wanted.keys():
        # an entry that nobody names any more goes whole, with what the cluster put into it
        unused = [path[:depth] for depth in _depths(path) if path[:depth] not in used]
        if unused:
            drop(changed, unused[0])
    for path, value in wanted.items():
        put(changed, path, value)
    return changed, after


def _depths(path: Path) -> list[int]:
    """Where entries of lists end on a path, and where it ends itself."""
    return [n for n, key in enumerate(path, 1) if n == len(path) or key[:2] in ("k:", "v:")]


def put(one: Object, path: Path, value: Json) -> None:
    """Set a field; entries of lists that are not there yet are added at the end."""
    here: Json = one
    for number, key in enumerate(path):
        last = number == len(path) - 1
        listed = not last and path[number + 1][:2] in ("k:", "v:")
        if isinstance(here, list):
            here = dressed(here, path[:number], key)
        elif isinstance(here, dict) and last:
            here[key] = copy.deepcopy(value)
        elif isinstance(here, dict):
            if not isinstance(here.get(key), list if listed else dict):
                here[key] = [] if listed else {}
            here = here[key]


def drop(one: Object, path: Path) -> None:
    """Remove a field or an entry, and what is empty above it."""
    _drop(one, (), path)


def _drop(here: Json, above: Path, path: Path) -> None:
    key, rest = path[0], path[1:]
    if isinstance(here, list):
        found = [each for each in here if entry(above, each) == key]
        if rest and found:
            _drop(found[0], (*above, key), rest)
        if found and (not rest or not found[0]):
            here.remove(found[0])
    elif isinstance(here, dict) and key in here:
        inner = here[key]
        if rest:
            _drop(inner, (*above, key), rest)
        if not rest or (isinstance(inner, dict | list) and not inner):
            here.pop(key)


def written(owners: Owners, api: str) -> list[Json]:
    """The owners as an object's ``managedFields``."""
    found: list[Json] = []
    for manager, paths in sorted(owners.items()):
        fields: Object = {}
        for path in sorted(paths):
            here = fields
            for key in path:
                listed = key[:2] in ("k:", "v:")
                inner = here.setdefault(key if listed else f"f:{key}", {".": {}} if listed else {})
                assert isinstance(inner, dict)
                here = inner
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


__all__ = ["Owners", "Path", "applied", "conflicts", "drop", "leaves", "put", "written"]
