"""Tensors: their types in ONNX, in the Open Inference Protocol and in numpy; rows in and out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from sealift.record.contract import Contract, FieldType

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

Array = np.ndarray[Any, np.dtype[Any]]
Value = float | int | bool | str | None
Row = tuple[Value, ...]

DATATYPES = {
    "tensor(bfloat16)": "BF16",
    "tensor(bool)": "BOOL",
    "tensor(double)": "FP64",
    "tensor(float)": "FP32",
    "tensor(float16)": "FP16",
    "tensor(int16)": "INT16",
    "tensor(int32)": "INT32",
    "tensor(int64)": "INT64",
    "tensor(int8)": "INT8",
    "tensor(string)": "BYTES",
    "tensor(uint16)": "UINT16",
    "tensor(uint32)": "UINT32",
    "tensor(uint64)": "UINT64",
    "tensor(uint8)": "UINT8",
}
"""The tensor types that are served: ONNX's name, and the protocol's."""

NUMPY: dict[str, DTypeLike] = {
    "BF16": np.float32,
    "BOOL": np.bool_,
    "BYTES": np.object_,
    "FP16": np.float16,
    "FP32": np.float32,
    "FP64": np.float64,
    "INT16": np.int16,
    "INT32": np.int32,
    "INT64": np.int64,
    "INT8": np.int8,
    "UINT16": np.uint16,
    "UINT32": np.uint32,
    "UINT64": np.uint64,
    "UINT8": np.uint8,
}
"""How a datatype is held here; numpy has no BF16, whose values FP32 holds exactly."""

PIECE = 1 << 16
"""Values that become an array by one call."""

FEW = 64
"""Values, or rows, that always do."""

FLOATS = ("BF16", "FP16", "FP32", "FP64")

FIELD_TYPES: dict[str, FieldType] = {
    datatype: "bool"
    if datatype == "BOOL"
    else "string"
    if datatype == "BYTES"
    else "float"
    if datatype in FLOATS
    else "int"
    for datatype in NUMPY
}
"""What a client writes for a field whose tensor has this datatype."""

BINARY_ONLY = ("BF16", "FP16")
"""Datatypes that the protocol's JSON cannot carry."""

BF16_MOST = float(np.array([0x7F7F0000], np.uint32).view(np.float32)[0])


class TensorInfo(msgspec.Struct, frozen=True):
    """A tensor that a model takes or gives: ``shape`` has None for a dimension that varies."""

    name: str
    datatype: str
    shape: tuple[int | None, ...]


def sized(tensors: Sequence[TensorInfo], contract: Contract) -> list[TensorInfo]:
    """The inputs with the number of the contract's fields for a second dimension left open."""
    counts = Counter(field.tensor for field in contract.fields)
    return [
        TensorInfo(one.name, one.datatype, (None, counts[one.name])) if len(one.shape) == 2 else one
        for one in tensors
    ]


def limits(datatype: str) -> tuple[float, float]:
    """The smallest and the largest finite number of a numeric datatype.

    >>> limits("INT32")
    (-2147483648, 2147483647)
    """
    if "INT" in datatype:
        whole = np.iinfo(np.dtype(NUMPY[datatype]))
        # checks of JSON know no whole number beyond 64 bits with a sign
        return int(whole.min), min(int(whole.max), np.iinfo(np.int64).max)
    if datatype == "BF16":
        return -BF16_MOST, BF16_MOST
    real = np.finfo(np.dtype(NUMPY[datatype]))
    return float(real.min), float(real.max)


class Packer:
    """Puts rows of a contract's fields into the tensors that the model takes.

    A missing number becomes NaN and a missing text the empty text: the contract allows null only
    where the tensor can hold that.
    """

    def __init__(self, contract: Contract, inputs: Sequence[TensorInfo]) -> None:
        self._plans: list[tuple[str, DTypeLike, int, bool, list[int]]] = []
        for tensor in inputs:
            columns = [
                (field.column, place)
                for place, field in enumerate(contract.fields)
                if field.tensor == tensor.name
            ]
            places = [place for _, place in sorted(columns)]
            whole = len(tensor.shape) == 2 and places == list(range(len(contract.fields)))
            dtype = NUMPY[tensor.datatype]
            self._plans.append((tensor.name, dtype, len(tensor.shape), whole, places))

    def pack(self, rows: Sequence[Row]) -> dict[str, Array]:
        """The model's inputs, by tensor; every tensor has one row a row."""
        feeds = {}
        for name, dtype, rank, whole, places in self._plans:
            if dtype is np.object_:
                cells: Any = [row[place] or "" for row in rows for place in places]
            elif whole:
                cells = rows
            elif len(places) == 1:
                cells = [row[places[0]] for row in rows]
            else:
                cells = [[row[place] for place in places] for row in rows]
            array = arrayed(cells, dtype)
            feeds[name] = array.reshape(len(rows), -1) if rank == 2 else array.reshape(len(rows))
        return feeds


def arrayed(values: Sequence[Any], dtype: DTypeLike) -> Array:
    """Values, or rows of as many values each, as an array; many are taken piece by piece, so that
    other threads have their turn in between.
    """
    if len(values) <= FEW:
        return np.array(values, dtype)
    width = len(values[0]) if isinstance(values[0], (list, tuple)) else 1
    size = max(FEW, PIECE // max(1, width))
    if len(values) <= size:
        return np.array(values, dtype)
    places = range(0, len(values), size)
    return np.concatenate([np.array(values[place : place + size], dtype) for place in places])


def scalars(array: Array) -> list[Any]:
    """One value a row of an output of shape [N] or [N, 1].

    >>> scalars(np.array([[1.5], [2.5]], np.float32))
    [1.5, 2.5]
    """
    values: list[Any] = array.reshape(-1).tolist()
    return values


def cells(array: Array) -> list[Any]:
    """One value a row, or one list of values a row where the output holds several.

    >>> cells(np.array([[0.25, 0.75]], np.float32))
    [[0.25, 0.75]]
    """
    if array.size == len(array):
        return scalars(array)
    values: list[Any] = array.reshape(len(array), -1).tolist()
    return values


def label(value: Value) -> str:
    """A class label as text, however the model or the table spells it.

    >>> label(1), label(1.0), label("1"), label(True), label("UA")
    ('1', '1', '1', 'true', 'UA')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


__all__ = [
    "BINARY_ONLY",
    "DATATYPES",
    "FIELD_TYPES",
    "FLOATS",
    "NUMPY",
    "Array",
    "Packer",
    "Row",
    "TensorInfo",
    "Value",
    "arrayed",
    "cells",
    "label",
    "limits",
    "scalars",
    "sized",
]
