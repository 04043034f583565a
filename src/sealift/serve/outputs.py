"""What a model gives back, and which of its outputs is the answer to the task."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from sealift.errors import PackageError
from sealift.record.contract import Output
from sealift.record.project import Task
from sealift.serve.tensors import FLOATS, Array, TensorInfo, label


def prediction(outputs: Sequence[TensorInfo], task: Task) -> str:
    """The name of the output that answers: the first floats, or the first class labels.

    Raises ``PackageError`` when there is none.
    """
    for tensor in outputs:
        if (tensor.datatype in FLOATS) == (task == "regression"):
            return tensor.name
    shown = ", ".join(f"{tensor.name} {tensor.datatype}" for tensor in outputs)
    wanted = "floats" if task == "regression" else "class labels (integers or texts)"
    raise PackageError(
        f"The model gives no {wanted}, only: {shown}.",
        where="model.onnx",
        remedy="Make the label an output, or set [model] task to what the model does.",
    )


def described(outputs: Sequence[TensorInfo], answers: dict[str, Array], rows: int) -> list[Output]:
    """The outputs as a contract has them, from the answer to ``rows`` rows.

    Raises ``PackageError`` for an output that has not one entry a row.
    """
    found = []
    for tensor in outputs:
        shape = answers[tensor.name].shape
        if not shape or shape[0] != rows:
            raise PackageError(
                f"The output {tensor.name!r} has shape {list(shape)} for {rows} rows.",
                where="model.onnx",
                remedy="Its first dimension must vary with the number of rows.",
            )
        found.append(Output(name=tensor.name, dtype=tensor.datatype, shape=(-1, *shape[1:])))
    return found


def check_single(output: Output) -> None:
    """Refuse an answer of several values a row (``PackageError``)."""
    if math.prod(output.shape[1:]) != 1:
        raise PackageError(
            f"The output {output.name!r} has {math.prod(output.shape[1:])} values a row; "
            "the answer must be one.",
            where="model.onnx",
            remedy="Let the model predict one target.",
        )


def classes(predicted: Sequence[Any], actual: Sequence[str | None]) -> tuple[str, ...]:
    """The class labels that the model gave or the table holds; numbers in their order.

    >>> classes([10, 9], ["9", None, "2"])
    ('2', '9', '10')
    """
    found = {label(value) for value in predicted} | {text for text in actual if text is not None}
    try:
        return tuple(sorted(found, key=int))
    except ValueError:
        return tuple(sorted(found))


__all__ = ["check_single", "classes", "described", "prediction"]
