"""The model that all servers serve: numbers and a text in, a number and the text out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto, helper

NAME = "mixed"
WEIGHTS = (0.5, -1.25, 2.0, 0.125)
WORDS = ("short", "longer")


def write(folder: Path) -> Path:
    """A folder with the model as ONNX, and what Sealift's server reads beside it.

    y = x . WEIGHTS + n; echo = word.
    """
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(model(), str(folder / "model.onnx"))
    (folder / "model.json").write_text(json.dumps({"name": NAME, "version": 1}))
    (folder / "contract.json").write_text(json.dumps(contract()))
    (folder / "golden.json").write_text(json.dumps(golden()))
    return folder


def model() -> onnx.ModelProto:
    """The graph."""
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "weights"], ["product"]),
            helper.make_node("Cast", ["n"], ["number"], to=TensorProto.FLOAT),
            helper.make_node("Add", ["product", "number"], ["y"]),
            helper.make_node("Identity", ["word"], ["echo"]),
        ],
        NAME,
        [
            value("x", TensorProto.FLOAT, ["N", len(WEIGHTS)]),
            value("n", TensorProto.INT64, ["N", 1]),
            value("word", TensorProto.STRING, ["N", 1]),
        ],
        [value("y", TensorProto.FLOAT, ["N", 1]), value("echo", TensorProto.STRING, ["N", 1])],
        [helper.make_tensor("weights", TensorProto.FLOAT, [len(WEIGHTS), 1], WEIGHTS)],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(made)
    return made


def contract() -> dict[str, Any]:
    """What Sealift's server demands of requests: the types alone, no range and no category."""
    numbers = [
        {"name": f"x{column}", "type": "float", "tensor": "x", "dtype": "FP32", "column": column}
        for column in range(len(WEIGHTS))
    ]
    return {
        "task": "regression",
        "target": "y",
        "fields": [
            *numbers,
            {"name": "n", "type": "int", "tensor": "n", "dtype": "INT64"},
            {"name": "word", "type": "string", "tensor": "word", "dtype": "BYTES"},
        ],
        "outputs": [
            {"name": "y", "dtype": "FP32", "shape": [-1, 1]},
            {"name": "echo", "dtype": "BYTES", "shape": [-1, 1]},
        ],
        "prediction": "y",
    }


def tensors() -> dict[str, Any]:
    """The inputs and outputs as metadata declare them."""
    kinds = {"x": ("FP32", 4), "n": ("INT64", 1), "word": ("BYTES", 1)}
    kinds |= {"y": ("FP32", 1), "echo": ("BYTES", 1)}
    told = [
        {"name": name, "datatype": datatype, "shape": [-1, width]}
        for name, (datatype, width) in kinds.items()
    ]
    return {"inputs": told[:3], "outputs": told[3:]}


def golden() -> dict[str, Any]:
    """Two rows, and what the formula gives."""
    rows = [
        {**{f"x{column}": float(column + row) for column in range(4)}, "n": row, "word": word}
        for row, word in enumerate(WORDS)
    ]
    sums = [
        sum(weight * (column + row) for column, weight in enumerate(WEIGHTS)) + row
        for row in range(len(WORDS))
    ]
    outputs = {"y": sums, "echo": [*WORDS]}
    return {"rows": rows, "outputs": outputs}


__all__ = ["NAME", "tensors", "write"]
