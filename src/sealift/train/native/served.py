"""The converted model as it will be served: asked by onnxruntime."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping, Sequence
from typing import Any

from .parity import Answers, spelled
from .table import Row

_NUMPY = {
    "tensor(bool)": "bool",
    "tensor(double)": "float64",
    "tensor(float)": "float32",
    "tensor(int64)": "int64",
    "tensor(string)": "object",
}


def answers(model: bytes, rows: Sequence[Row], *, classify: bool) -> Answers:
    """What the ONNX model says of rows."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # looked at when it is first loaded
    runtime = importlib.import_module("onnxruntime")
    numpy = importlib.import_module("numpy")
    runtime.set_default_logger_severity(4)
    session = runtime.InferenceSession(model, providers=["CPUExecutionProvider"])
    feeds = {
        one.name: numpy.array([[row[one.name]] for row in rows], _NUMPY[one.type])
        for one in session.get_inputs()
    }
    outputs = session.get_outputs()
    names = [one.name for one in outputs]
    found = dict(zip(names, session.run(names, feeds), strict=True))
    return picked({name: values.tolist() for name, values in found.items()}, classify=classify)


def picked(outputs: Mapping[str, list[Any]], *, classify: bool) -> Answers:
    """The answers among a model's outputs, one entry a row each.

    As the server does it: a number is the first output of floats, a class the first of none.
    """
    narrow = [[_only(one) for one in values] for values in outputs.values()]
    real = [isinstance(values[0], float) for values in narrow]
    if not classify:
        found = next((values for values, floats in zip(narrow, real, strict=True) if floats), [])
        return Answers(found)
    labels = next(
        (
            values
            for values, floats in zip(narrow, real, strict=True)
            if not floats and not isinstance(values[0], list)
        ),
        [],
    )
    chances = next((values for values in outputs.values() if _is_wide(values[0])), None)
    return Answers([spelled(one) for one in labels], chances)


def _only(cell: Any) -> Any:
    return cell[0] if isinstance(cell, list) and len(cell) == 1 else cell


def _is_wide(cell: Any) -> bool:
    return isinstance(cell, list) and len(cell) > 1 and isinstance(cell[0], float)


__all__ = ["answers", "picked"]
