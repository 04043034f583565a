"""Who is measured: how a server is started, and how it is asked."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Dialect = Literal["protocol", "inputs"]


@dataclass(frozen=True)
class Subject:
    """A server; words and variables may name ``{port}``, ``{grpc}``, ``{other}``, ``{workers}``.

    ``dialect`` is how it takes rows: ``protocol`` as tensors of the Open Inference Protocol,
    ``inputs`` as nested lists. ``judged`` is false for those that do not ask the model.
    """

    name: str
    words: Sequence[str | Path]
    path: str
    dialect: Dialect
    cwd: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    grpc: bool = False
    judged: bool = True


@dataclass(frozen=True)
class Request:
    """What is posted: a path, headers, a body."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Rows:
    """Rows to ask for, and the labels that the model gives them."""

    values: NDArray[np.float32]
    labels: list[int]

    def first(self, count: int) -> Rows:
        """The first of them."""
        return Rows(self.values[:count], self.labels[:count])


def as_json(subject: Subject, rows: Rows) -> Request:
    """Rows as the subject takes them in JSON."""
    values = rows.values
    content: dict[str, Any] = {"inputs": values.tolist()}
    if subject.dialect == "protocol":
        flat = values.reshape(-1).tolist()
        tensor = {"name": "X", "shape": list(values.shape), "datatype": "FP32", "data": flat}
        content = {"inputs": [tensor]}
    headers = {"content-type": "application/json"}
    return Request(subject.path, headers, json.dumps(content).encode())


def as_binary(subject: Subject, values: NDArray[np.float32]) -> Request:
    """Rows as bytes behind a JSON head, to be answered in bytes (binary tensor extension)."""
    content = values.astype("<f4").tobytes()
    tensor = {
        "name": "X",
        "shape": list(values.shape),
        "datatype": "FP32",
        "parameters": {"binary_data_size": len(content)},
    }
    asked = {"inputs": [tensor], "parameters": {"binary_data_output": True}}
    head = json.dumps(asked).encode()
    headers = {
        "content-type": "application/octet-stream",
        "inference-header-content-length": str(len(head)),
    }
    return Request(subject.path, headers, head + content)


def labels(answer: bytes) -> list[int]:
    """The labels in an answer, however the server writes it; empty where there are none.

    >>> labels(b'{"predictions": {"label": [3, 7]}}')
    [3, 7]
    >>> labels(b'{"outputs": [{"name": "label", "data": [3]}]}')
    [3]
    """
    try:
        content = json.loads(answer)
    except ValueError:
        return []
    if not isinstance(content, dict):
        return []
    if "outputs" in content:
        named = {one["name"]: one["data"] for one in content["outputs"]}
        return list(named.get("label", ()))
    inner = content.get("predictions", content)
    return list(inner.get("label", ())) if isinstance(inner, dict) else []


__all__ = ["Request", "Rows", "Subject", "as_binary", "as_json", "labels"]
