"""Which lists of objects are merged, and by what their entries are known.

Source: the OpenAPI document of Kubernetes, ``x-kubernetes-list-type`` and
``x-kubernetes-list-map-keys``; the same of the definitions of Gateway API.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from sealift.types import Json

_BY_NAME = ("name",)
_KEYS: dict[str, tuple[str, ...]] = {
    "containers": _BY_NAME,
    "initContainers": _BY_NAME,
    "volumes": _BY_NAME,
    "env": _BY_NAME,
    "imagePullSecrets": _BY_NAME,
    "listeners": _BY_NAME,
    "volumeMounts": ("mountPath",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "conditions": ("type",),
    "ownerReferences": ("uid",),
}
"""Lists that are merged wherever they stand, with the keys of their entries."""

_VALUES = {"finalizers"}
"""Lists that are sets."""

_WHOLE = {"selector", "podSelector", "labelSelector", "nodeSelector", "namespaceSelector"}
_WHOLE |= {"requiredDuringSchedulingIgnoredDuringExecution"}

_ABSENT: dict[str, Json] = {"protocol": "TCP"}
"""What a key is where an entry does not say it."""


def _keys(path: Sequence[str]) -> tuple[str, ...]:
    if path[-1] == "ports":
        # those of a container, of a Service; those of a rule of a NetworkPolicy have no keys
        inside = path[-2].startswith("k:")
        return ("containerPort", "protocol") if inside else ("port", "protocol")
    return _KEYS[path[-1]]


def whole(path: Sequence[str]) -> bool:
    """Whether what stands at a path is one value though it has fields: selectors are."""
    return path[:1] == ("spec",) and path[-1] in _WHOLE


def merged(path: Sequence[str]) -> bool:
    """Whether the list at a path is merged, entry by entry.

    >>> merged(("spec", "template", "spec", "containers")), merged(("spec", "rules"))
    (True, False)
    """
    if path[:1] == ("data",) or path[:1] == ("status",):
        return False
    ports = path[-1] == "ports" and len(path) > 1
    return path[-1] in _KEYS or path[-1] in _VALUES or ports


def entry(path: Sequence[str], one: Json) -> str:
    """What an entry of the list at a path is called in ``managedFields``.

    >>> entry(("spec", "ports"), {"port": 80, "name": "http"})
    'k:{"port":80,"protocol":"TCP"}'
    """
    if path[-1] in _VALUES or not isinstance(one, dict):
        return f"v:{_compact(one)}"
    keys = {key: one.get(key, _ABSENT.get(key)) for key in _keys(path)}
    return f"k:{_compact(keys)}"


def dressed(entries: list[Json], path: Sequence[str], key: str) -> Json:
    """The entry of this name in the list at a path, put there with its keys where it is not."""
    for one in entries:
        if entry(path, one) == key:
            return one
    made: Json = json.loads(key[2:])
    entries.append(made)
    return made


def named(path: Sequence[str]) -> str:
    """A path as messages name it.

    >>> named(("spec", "containers", 'k:{"name":"server"}', "image"))
    '.spec.containers[name="server"].image'
    """
    words = []
    for key in path:
        if key.startswith("k:"):
            pairs = json.loads(key[2:]).items()
            words.append(f"[{','.join(f'{name}={_compact(value)}' for name, value in pairs)}]")
        elif key.startswith("v:"):
            words.append(f"[={key[2:]}]")
        else:
            words.append(f".{key}")
    return "".join(words)


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


__all__ = ["dressed", "entry", "merged", "named", "whole"]
