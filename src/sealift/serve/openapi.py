"""The OpenAPI 3.1 document of one model's server, made from its contract."""

from __future__ import annotations

from typing import Any

import msgspec

from sealift.record.contract import Contract, Field
from sealift.serve import rows
from sealift.serve.artifact import Artifact
from sealift.serve.guard import ID_LENGTH, legal_range
from sealift.serve.tensors import NUMPY

Schema = dict[str, Any]

SHOWN = 50
"""Most categories of an open field that the document lists."""

_ERRORS = {
    "400": "The request breaks the contract or the protocol; the error names the place.",
    "408": "The body came too late, or the answer would, by the client's own deadline.",
    "413": "The body is too large.",
    "415": "The media type or the content encoding is not understood.",
    "429": "Too much is under way; come again after Retry-After seconds.",
    "503": "The server is not ready.",
    "504": "The answer would have taken longer than the server allows.",
}


def document(artifact: Artifact) -> bytes:
    """The document as JSON."""
    contract, name = artifact.contract, artifact.identity.name
    version = str(artifact.identity.version)
    base = f"/v2/models/{name}"
    paths = {
        "/predict": {"post": _predict(artifact)},
        f"{base}/infer": {"post": _infer(artifact)},
        f"{base}/versions/{version}/infer": {"post": _infer(artifact, suffix="OfVersion")},
        base: {"get": _get("modelMetadata", "The model's tensors.", "ModelMetadata")},
        f"{base}/ready": {"get": _get("modelReady", "Whether the model answers.", "ModelReady")},
        f"{base}/stats": {"get": _get("modelStatistics", "What the model did.", "Statistics")},
        "/v2": {"get": _get("serverMetadata", "What this server is.", "ServerMetadata")},
        "/v2/health/live": {"get": _get("live", "Whether the server runs.", "Live")},
        "/v2/health/ready": {"get": _get("ready", "Whether the server answers.", "Ready")},
        "/v2/repository/index": {"post": _index()},
        "/metrics": {"get": _metrics()},
    }
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {
                "title": name,
                "version": version,
                "summary": f"{contract.task.capitalize()} of {contract.target}.",
            },
            "paths": paths,
            "components": {"schemas": _schemas(contract)},
        }
    )


def field_schema(field: Field) -> Schema:
    """The JSON Schema of one field.

    >>> field_schema(Field(name="x", type="bool", tensor="x", dtype="BOOL"))
    {'type': 'boolean'}
    """
    kind = {"bool": "boolean", "float": "number", "int": "integer", "string": "string"}[field.type]
    schema: Schema = {"type": [kind, "null"] if field.nullable else kind}
    if field.type in ("float", "int"):
        schema["minimum"], schema["maximum"] = legal_range(field)
        if field.low is not None and field.high is not None:
            schema["description"] = f"Training data: {field.low:g} to {field.high:g}."
            schema["x-seen"] = [field.low, field.high]
    elif field.type == "string" and field.closed and field.categories:
        schema["enum"] = [*field.categories, None] if field.nullable else list(field.categories)
    elif field.type == "string":
        if field.max_length is not None:
            schema["maxLength"] = field.max_length
        if field.categories:
            schema["examples"] = list(field.categories[:SHOWN])
            schema["description"] = f"Training data: {len(field.categories)} different texts."
    return schema


def _schemas(contract: Contract) -> dict[str, Schema]:
    return {
        "Row": {
            "type": "object",
            "properties": {field.name: field_schema(field) for field in contract.fields},
            "required": [field.name for field in contract.fields],
            "additionalProperties": False,
        },
        "PredictRequest": {
            "type": "object",
            "properties": {
                "id": {"type": ["string", "null"], "maxLength": ID_LENGTH},
                "rows": {
                    "type": "array",
                    "items": _ref("Row"),
                    "minItems": 1,
                    "maxItems": contract.max_rows,
                },
            },
            "required": ["rows"],
            "additionalProperties": False,
        },
        "PredictAnswer": _object(
            {
                "id": {"type": "string"},
                "model": {"type": "string"},
                "version": {"type": "integer"},
                "predictions": {"type": "array", "items": _prediction(contract)},
                "flags": {
                    "type": "object",
                    "description": "By number of the row: fields unlike the training data.",
                    "additionalProperties": {"type": "array", "items": {"type": "string"}},
                },
            },
            optional=("flags",),
        ),
        **_tensors(contract),
        "Error": _object(
            {
                "error": {"type": "string", "description": "What is wrong, for people."},
                "code": {"type": "string", "description": "What is wrong, for programs."},
                "path": {"type": "string", "description": "Where, such as rows[0].hour."},
            },
            optional=("path",),
        ),
        "ServerMetadata": _object(
            {
                "name": {"type": "string"},
                "version": {"type": "string"},
                "extensions": {"type": "array", "items": {"type": "string"}},
            }
        ),
        "ModelMetadata": _object(
            {
                "name": {"type": "string"},
                "versions": {"type": "array", "items": {"type": "string"}},
                "platform": {"type": "string"},
                "inputs": {"type": "array", "items": _ref("TensorMetadata")},
                "outputs": {"type": "array", "items": _ref("TensorMetadata")},
            }
        ),
        "TensorMetadata": _object(
            {
                "name": {"type": "string"},
                "datatype": {"enum": sorted(NUMPY)},
                "shape": {"type": "array", "items": {"type": "integer"}},
            }
        ),
        "ModelReady": _object({"name": {"type": "string"}, "ready": {"const": True}}),
        "Live": _object({"live": {"const": True}}),
        "Ready": _object({"ready": {"const": True}}),
        "Statistics": _object({"model_stats": {"type": "array", "items": {"type": "object"}}}),
        "Index": {
            "type": "array",
            "items": _object(
                {name: {"type": "string"} for name in ("name", "version", "state", "reason")}
            ),
        },
    }


def _tensors(contract: Contract) -> dict[str, Schema]:
    parameters = {"type": "object", "additionalProperties": {"type": _SCALARS}}
    shape = {"type": "array", "items": {"type": "integer", "minimum": 0}}
    inputs = list(dict.fromkeys(field.tensor for field in contract.fields))
    kinds = {field.tensor: field.dtype for field in contract.fields}
    data = {"type": "array", "description": "Row-major, nested or flat."}
    return {
        "InferRequest": {
            "type": "object",
            "properties": {
                "id": {"type": ["string", "null"], "maxLength": ID_LENGTH},
                "parameters": parameters,
                "inputs": {
                    "type": "array",
                    "minItems": len(inputs),
                    "maxItems": len(inputs),
                    "items": {
                        "type": "object",
                        "properties": {
                            "name": {"enum": inputs},
                            "shape": {**shape, "minItems": 1, "maxItems": 2},
                            "datatype": {"enum": sorted(set(kinds.values()))},
                            "parameters": parameters,
                            "data": data,
                        },
                        "required": ["name", "shape", "datatype", "data"],
                        "additionalProperties": False,
                    },
                },
                "outputs": {
                    "type": ["array", "null"],
                    "items": {
                        "type": "object",
                        "properties": {
                            "name": {"enum": [output.name for output in contract.outputs]},
                            "parameters": parameters,
                        },
                        "required": ["name"],
                        "additionalProperties": False,
                    },
                },
            },
            "required": ["inputs"],
            "additionalProperties": False,
        },
        "InferAnswer": _object(
            {
                "model_name": {"type": "string"},
                "model_version": {"type": "string"},
                "id": {"type": "string"},
                "parameters": parameters,
                "outputs": {
                    "type": "array",
                    "items": _object(
                        {
                            "name": {"type": "string"},
                            "shape": shape,
                            "datatype": {"enum": sorted(NUMPY)},
                            "parameters": parameters,
                            "data": {"type": "array"},
                        },
                        optional=("parameters", "data"),
                    ),
                },
            },
            optional=("parameters",),
        ),
    }


_SCALARS = ["boolean", "number", "string", "null"]


def _prediction(contract: Contract) -> Schema:
    if contract.task == "regression":
        return {"type": ["number", "null"]}
    return {"type": _SCALARS}


def _predict(artifact: Artifact) -> Schema:
    examples = [dict(row) for row in artifact.golden.rows[:1]]
    request = {"schema": _ref("PredictRequest"), "example": {"rows": examples}}
    answer = _content("PredictAnswer")
    for kind in (rows.CSV, rows.LINES, rows.ARROW):
        answer[kind] = {"schema": {"type": "string"}}
    return {
        "operationId": "predict",
        "summary": f"Predict {artifact.contract.target} for rows by name.",
        "requestBody": {"required": True, "content": {rows.JSON: request}},
        "responses": {"200": {"description": "One prediction a row.", "content": answer}, **_bad()},
    }


def _infer(artifact: Artifact, suffix: str = "") -> Schema:
    return {
        "operationId": f"infer{suffix}",
        "summary": "Predict for tensors (Open Inference Protocol).",
        "requestBody": {"required": True, "content": _content("InferRequest")},
        "responses": {
            "200": {
                "description": f"The outputs of {artifact.identity.name}.",
                "content": {
                    **_content("InferAnswer"),
                    "application/octet-stream": {"schema": {"type": "string"}},
                },
            },
            **_bad(),
        },
    }


def _index() -> Schema:
    asked = {"type": "object", "properties": {"ready": {"type": "boolean"}}}
    return {
        "operationId": "repositoryIndex",
        "summary": "The models that there are.",
        "requestBody": {
            "content": {rows.JSON: {"schema": {**asked, "additionalProperties": False}}}
        },
        "responses": {"200": {"description": "Models.", "content": _content("Index")}, **_bad()},
    }


def _metrics() -> Schema:
    page = {"text/plain": {"schema": {"type": "string"}}}
    return {
        "operationId": "metrics",
        "summary": "Counters and gauges for Prometheus.",
        "responses": {"200": {"description": "Metrics.", "content": page}},
    }


def _get(operation: str, summary: str, schema: str) -> Schema:
    return {
        "operationId": operation,
        "summary": summary,
        "responses": {
            "200": {"description": summary, "content": _content(schema)},
            "503": {"description": _ERRORS["503"], "content": _content("Error")},
        },
    }


def _bad() -> Schema:
    return {
        status: {"description": words, "content": _content("Error")}
        for status, words in _ERRORS.items()
    }


def _content(schema: str) -> Schema:
    return {rows.JSON: {"schema": _ref(schema)}}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(properties: Schema, optional: tuple[str, ...] = ()) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


__all__ = ["document", "field_schema"]
