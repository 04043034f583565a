"""One OpenAPI document for all models of a server: paths side by side, schemas by model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from sealift.serve import openapi
from sealift.serve.artifact import Artifact

_OWN = ("Row", "PredictRequest", "PredictAnswer", "InferRequest", "InferAnswer")
"""Schemas that each model has its own of."""

_REFERENCE = "#/components/schemas/"


def document(artifacts: Sequence[Artifact]) -> bytes:
    """The document as JSON; of a single model it is that model's own."""
    if len(artifacts) == 1:
        return openapi.document(artifacts[0])
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    names = [artifact.identity.name for artifact in artifacts]
    for name, artifact in zip(names, artifacts, strict=True):
        told = _named(msgspec.json.decode(openapi.document(artifact)), name)
        for path, methods in told["paths"].items():
            own = path == "/predict" or path.startswith("/v2/models/")
            place = f"/predict/{name}" if path == "/predict" else path
            paths[place] = _told_apart(methods, name) if own else methods
        schemas |= told["components"]["schemas"]
    info = {
        "title": ", ".join(names),
        "version": ", ".join(str(one.identity.version) for one in artifacts),
        "summary": f"{len(names)} models.",
    }
    return msgspec.json.encode(
        {"openapi": "3.1.0", "info": info, "paths": paths, "components": {"schemas": schemas}}
    )


def _named(value: Any, model: str) -> Any:
    """A document with a model's own schemas under names that begin with the model's."""
    if isinstance(value, list):
        return [_named(one, model) for one in value]
    if not isinstance(value, dict):
        return value
    made: dict[str, Any] = {}
    for key, one in value.items():
        if key == "$ref" and one.removeprefix(_REFERENCE) in _OWN:
            made[key] = f"{_REFERENCE}{model}.{one.removeprefix(_REFERENCE)}"
        elif key == "schemas":
            made[key] = {_schema(name, model): _named(inner, model) for name, inner in one.items()}
        else:
            made[key] = _named(one, model)
    return made


def _schema(name: str, model: str) -> str:
    return f"{model}.{name}" if name in _OWN else name


def _told_apart(methods: dict[str, Any], model: str) -> dict[str, Any]:
    return {
        method: {**told, "operationId": f"{told['operationId']}-{model}", "tags": [model]}
        for method, told in methods.items()
    }


__all__ = ["document"]
