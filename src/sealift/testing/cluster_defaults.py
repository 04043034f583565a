"""What the definitions of Gateway API fill in where an object does not say it.

Source: the definitions of Gateway API v1, ``default`` of their schemas.
"""

from __future__ import annotations

from sealift.kubernetes.objects import Object
from sealift.kubernetes.reading import entries
from sealift.types import Json

_PARENT: Object = {"group": "gateway.networking.k8s.io", "kind": "Gateway"}
_BACKEND: Object = {"group": "", "kind": "Service", "weight": 1}


def fill(route: Object) -> None:
    """Put defaults into a HTTPRoute."""
    for parent in entries(route, "spec", "parentRefs"):
        _fill(parent, _PARENT)
    for rule in entries(route, "spec", "rules"):
        everything: Json = [{"path": {"type": "PathPrefix", "value": "/"}}]
        _fill(rule, {"matches": everything})
        for backend in entries(rule, "backendRefs"):
            _fill(backend, _BACKEND)


def _fill(one: Object, defaults: Object) -> None:
    for name, value in defaults.items():
        one.setdefault(name, value)


__all__ = ["fill"]
