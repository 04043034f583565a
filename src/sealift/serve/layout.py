"""What the compiled code is told of a model: its tensors, what each column may hold, and the texts
that its answers are made of."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np

from sealift.record.contract import Contract, Field, Output
from sealift.serve.guard import ID_LENGTH, usual_range
from sealift.serve.tensors import BINARY_ONLY, FIELD_TYPES, NUMPY, TensorInfo

ROOM = 1 << 20
"""Bytes that the tensors of a request may have, unless one row has more."""

TOGETHER = 2048
"""Rows of several requests that are worth keeping side by side."""

NUMBERS = 1 << 17
"""Numbers that an answer may have, unless one row has more: they are written within a turn."""

VALUE = 40
"""Bytes that a number of an answer may take."""

_ALIGNED = 64
_SLACK = 1 << 16

_SERVED = frozenset(NUMPY) - {"BYTES", *BINARY_ONLY}
_KINDS = {"float": "any", "int": "whole", "bool": "truth"}


class Column(msgspec.Struct, frozen=True, omit_defaults=True):
    """The usual range of a column, and whether its values are any, whole numbers or truths."""

    low: float
    high: float
    kind: str = "any"
    nullable: bool = False


class InputLayout(msgspec.Struct, frozen=True, omit_defaults=True):
    """A tensor that goes in; its columns are numbers of 64 bits, floats or whole."""

    name: str
    datatype: str
    real: list[Column] | None = None
    whole: list[Column] | None = None


class OutputLayout(msgspec.Struct, frozen=True):
    """A tensor that comes back, and what stands before its number of rows and behind it."""

    name: str
    datatype: str
    width: int
    before: str
    behind: str


class Layout(msgspec.Struct, frozen=True):
    """A model; ``rows`` is the most that a request may have, ``room`` that of several together.

    An answer is ``head``, its id, ``middle``, the outputs and ``tail``.
    """

    inputs: list[InputLayout]
    outputs: list[OutputLayout]
    head: str
    middle: str
    tail: str
    rows: int
    room: int

    def size(self) -> int:
        """Bytes of memory that suffice for reading and writing."""
        tensors = sum(_bytes(one) + _ALIGNED for one in self.inputs) * self.room
        texts = len(msgspec.json.encode(self))
        values = sum(self.rows * one.width + 3 for one in self.outputs)
        return tensors + 64 * texts + values * VALUE + ID_LENGTH + _SLACK


def laid_out(
    contract: Contract,
    inputs: Sequence[TensorInfo],
    outputs: Sequence[TensorInfo],
    identity: tuple[str, str],
) -> Layout | None:
    """The layout of a model whose name and version are ``identity``.

    None for one with tensors of texts, of values that JSON cannot carry, or not made of columns.
    """
    known = {one.name: one for one in contract.outputs}
    if contract.inputs or any(one.name not in known for one in outputs):
        return None
    tensors = [_input(contract, one) for one in inputs]
    answers = [_output(known[one.name], one.datatype) for one in outputs]
    whole_inputs = [one for one in tensors if one is not None]
    whole_outputs = [one for one in answers if one is not None]
    if len(whole_inputs) < len(tensors) or len(whole_outputs) < len(answers) or not tensors:
        return None
    fit = max(1, ROOM // sum(map(_bytes, whole_inputs)))
    name, version = (msgspec.json.encode(one).decode() for one in identity)
    return Layout(
        inputs=whole_inputs,
        outputs=whole_outputs,
        head=f'{{"model_name":{name},"model_version":{version},"id":"',
        middle='","outputs":[',
        tail="]}",
        rows=min(
            contract.max_rows, fit, max(1, NUMBERS // sum(one.width for one in whole_outputs))
        ),
        room=min(fit, max(contract.max_rows, TOGETHER)),
    )


def _bytes(one: InputLayout) -> int:
    """Bytes of a row."""
    return len(one.real or one.whole or ()) * np.dtype(NUMPY[one.datatype]).itemsize


def _input(contract: Contract, info: TensorInfo) -> InputLayout | None:
    fields = [field for field in contract.fields if field.tensor == info.name]
    fields.sort(key=lambda field: field.column)
    real = FIELD_TYPES[info.datatype] == "float"
    if info.datatype not in _SERVED or not fields:
        return None
    if any(field.type not in (_KINDS if real else ("int", "bool")) for field in fields):
        return None
    columns = [_column(field, real=real) for field in fields]
    if real:
        return InputLayout(info.name, info.datatype, real=columns)
    return InputLayout(info.name, info.datatype, whole=columns)


def _column(field: Field, *, real: bool) -> Column:
    low, high = usual_range(field)
    if real:
        return Column(float(low), float(high), _KINDS[field.type], field.nullable)
    return Column(int(low), int(high), "truth" if field.type == "bool" else "any")


def _output(known: Output, datatype: str) -> OutputLayout | None:
    tail = known.shape[1:]
    if datatype not in _SERVED or min(tail, default=0) < 0:
        return None
    sizes = "".join(f",{size}" for size in tail)
    return OutputLayout(
        name=known.name,
        datatype=datatype,
        width=math.prod(tail),
        before=f'{{"name":{msgspec.json.encode(known.name).decode()},"shape":[',
        behind=f'{sizes}],"datatype":"{datatype}"',
    )


__all__ = ["Column", "InputLayout", "Layout", "OutputLayout", "laid_out"]
