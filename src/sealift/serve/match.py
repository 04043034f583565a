"""Which column of the table feeds which input of the model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sealift.errors import PackageError, ProjectError
from sealift.record.project import ModelSettings
from sealift.serve.refusal import nearest, some
from sealift.serve.tensors import FLOATS, TensorInfo


@dataclass(frozen=True)
class Match:
    """A column, the tensor that it feeds, and its position there."""

    column: str
    tensor: TensorInfo
    position: int = 0


def matched(
    inputs: Sequence[TensorInfo], header: Sequence[str], settings: ModelSettings
) -> list[Match]:
    """The matches in the order of the table's columns.

    Either each input is named like a column (shape [rows, 1] or [rows]), letter for letter or as
    converters write its name, or there is one input of floats that holds all columns but the
    target and the ignored ones (shape [rows, columns]).
    Raises ``ProjectError`` for names that the table lacks and ``PackageError`` for inputs that fit
    neither form.
    """
    for name, key in [(settings.target, "target"), *((name, "ignore") for name in settings.ignore)]:
        if name not in header:
            raise ProjectError(
                f"The table has no column {name!r}.{nearest(name, header)}",
                where=f"[model] {key}",
                remedy="Name a column of the table.",
            )
    _refuse_fixed(inputs)
    free = [name for name in header if name != settings.target and name not in settings.ignore]
    tensors = _by_column(inputs, header)
    if len(tensors) == len(inputs):
        _refuse_taken(tensors, free, settings)
        return [Match(name, tensors[name]) for name in free if name in tensors]
    if len(inputs) == 1 and len(inputs[0].shape) == 2 and inputs[0].datatype in FLOATS:
        return _one_tensor(inputs[0], free)
    raise _no_match(inputs, header)


def plain(name: str) -> str:
    """A name as converters write it, which put an underscore for all but letters and digits.

    >>> plain("Body Mass (g)")
    'Body_Mass__g_'
    """
    return re.sub(r"\W", "_", name)


def _by_column(inputs: Sequence[TensorInfo], header: Sequence[str]) -> dict[str, TensorInfo]:
    """The inputs that hold one column, by its name; the others are left out."""
    alike: dict[str, list[str]] = {}
    for name in header:
        alike.setdefault(plain(name), []).append(name)
    found = {}
    for tensor in inputs:
        same = alike.get(plain(tensor.name), [])
        name = tensor.name if tensor.name in header or len(same) != 1 else same[0]
        if name in header and _is_column(tensor):
            found[name] = tensor
    return found


def _is_column(tensor: TensorInfo) -> bool:
    return len(tensor.shape) == 1 or (len(tensor.shape) == 2 and tensor.shape[1] in (1, None))


def _refuse_fixed(inputs: Sequence[TensorInfo]) -> None:
    for tensor in inputs:
        rows = tensor.shape[0] if tensor.shape else None
        if rows is not None:
            raise PackageError(
                f"The model's input {tensor.name!r} takes {rows} row{'s' * (rows != 1)} at a time, "
                "no more and no less.",
                where="model.onnx",
                remedy="Export with a first dimension that varies: None in skl2onnx's types, "
                "dynamic_shapes or dynamic_axes in torch's export.",
            )


def _refuse_taken(
    tensors: dict[str, TensorInfo], free: Sequence[str], settings: ModelSettings
) -> None:
    for name in tensors:
        if name not in free:
            what = "the target" if name == settings.target else "ignored"
            raise ProjectError(
                f"The model has an input {name!r}, but that column is {what}.",
                where="[model]",
                remedy="Train without it, or change target or ignore.",
            )


def _one_tensor(tensor: TensorInfo, free: Sequence[str]) -> list[Match]:
    width = tensor.shape[1]
    if width is not None and width != len(free):
        remedy = (
            "Write the table with the columns the model was trained on, in their order, "
            "or name the others in [model] ignore."
        )
        if free and not free[0]:
            remedy = "The first has no name: write the table without its index (index=False)."
        shown = some(name or repr(name) for name in free)
        raise PackageError(
            f"The model's input {tensor.name!r} has {width} columns, but the table has "
            f"{len(free)} besides the target and the ignored ones: {shown}.",
            where="model.onnx",
            remedy=remedy,
        )
    return [Match(name, tensor, position) for position, name in enumerate(free)]


def _no_match(inputs: Sequence[TensorInfo], header: Sequence[str]) -> PackageError:
    shown = some(
        f"{tensor.name} {tensor.datatype} {['rows', *tensor.shape[1:]]}".replace("'", "")
        for tensor in inputs
    )
    known = {plain(name) for name in header}
    absent = [tensor.name for tensor in inputs if plain(tensor.name) not in known]
    lacking = [(name, nearest(name, header)) for name in absent]
    # the one that looks like a slip says most
    lacking.sort(key=lambda pair: "Did you mean" not in pair[1])
    hint = "".join(f" The table has no column {name!r}.{near}" for name, near in lacking[:1])
    return PackageError(
        f"The model's inputs ({shown}) do not fit the table's columns ({some(header)}).{hint}",
        where="model.onnx",
        remedy="Export one input per column, named like it, of shape [rows, 1]; or one input of "
        "floats of shape [rows, columns].",
    )


__all__ = ["Match", "matched"]
