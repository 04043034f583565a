"""How a cluster words its refusals: the Status objects of the API of Kubernetes."""

from __future__ import annotations

from sealift.kubernetes.kinds import Kind
from sealift.kubernetes.objects import Object
from sealift.types import Json


class RefusedError(Exception):
    """A request was refused; ``status`` is what is sent."""

    def __init__(
        self, code: int, reason: str, message: str, details: dict[str, Json] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status: Object = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": reason,
            "details": details or {},
            "code": code,
        }


def of(plural: str, kind: Kind) -> str:
    """A resource as messages name it."""
    return f"{plural}.{kind.group}" if kind.group else plural


def unknown_path() -> RefusedError:
    """Nothing is served there."""
    return RefusedError(404, "NotFound", "the server could not find the requested resource")


def missing(resource: str, name: str) -> RefusedError:
    """There is no such object."""
    details: dict[str, Json] = {"name": name, "kind": resource.partition(".")[0]}
    return RefusedError(404, "NotFound", f'{resource} "{name}" not found', details)


def owned(found: list[tuple[str, str]], api: str) -> RefusedError:
    """Others set fields otherwise."""
    causes: list[Json] = [
        {
            "reason": "FieldManagerConflict",
            "message": f'conflict with "{manager}" using {api}',
            "field": field,
        }
        for manager, field in found
    ]
    number = f"{len(found)} conflict{'s' if len(found) > 1 else ''}"
    told = ", ".join(f'conflict with "{manager}": {field}' for manager, field in found)
    return RefusedError(409, "Conflict", f"Apply failed with {number}: {told}", {"causes": causes})


def stale(resource: str, name: str) -> RefusedError:
    """The object is no longer the one that was read."""
    return RefusedError(
        409,
        "Conflict",
        f'Operation cannot be fulfilled on {resource} "{name}": the object has been modified; '
        "please apply your changes to the latest version and try again",
        {"name": name},
    )


def forbidden(verb: str, resource: str, name: str, namespace: str) -> RefusedError:
    """No role allows it."""
    plural, _, group = resource.partition(".")
    one = f'{resource} "{name}"' if name else resource
    return RefusedError(
        403,
        "Forbidden",
        f'{one} is forbidden: User "tester" cannot {verb} resource "{plural}" '
        f'in API group "{group}" in the namespace "{namespace}"',
        {"name": name, "kind": plural},
    )


def invalid(kind: Kind, name: str, field: str, message: str) -> RefusedError:
    """A field has a value that it cannot have."""
    told = f'{kind.name} "{name}" is invalid: {field}: {message}'
    cause: Json = {"reason": "FieldValueInvalid", "message": message, "field": field}
    return RefusedError(422, "Invalid", told, {"name": name, "causes": [cause]})


def expired(version: int) -> RefusedError:
    """The changes since then are no longer known."""
    return RefusedError(410, "Expired", f"too old resource version: {version}")


__all__ = [
    "RefusedError",
    "expired",
    "forbidden",
    "invalid",
    "missing",
    "of",
    "owned",
    "stale",
    "unknown_path",
]
