"""Requests of one row in the protocol's plainest form, read and checked in one go.

A decoder made from the contract reads the whole body: each tensor in the model's order, nothing but
values that the training data had, no parameters. Most requests are like that. What is not, for
whatever reason, is left to ``Protocol``, which takes it apart step by step and can tell why.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from sealift.record.contract import Contract, Field
from sealift.serve import strict
from sealift.serve.batch import of_rows
from sealift.serve.guard import Guard, Id, Usual, usual_type
from sealift.serve.protocol import Asked, Protocol
from sealift.serve.tensors import BINARY_ONLY, FIELD_TYPES, Packer, TensorInfo


class Quick:
    """Reads what is plain, for one model."""

    def __init__(
        self, guard: Guard, packer: Packer, inputs: Sequence[TensorInfo], protocol: Protocol
    ) -> None:
        contract = guard.contract
        self._guard = guard
        self._packer = packer
        self._protocol = protocol
        columns = [_columns(contract, one) for one in inputs]
        self._made_of = (inputs, columns)
        self._plain = not protocol.binary_only and plain(contract, inputs)
        self._shapes = [
            _shapes(one, len(found)) for one, found in zip(inputs, columns, strict=True)
        ]
        places = [place for found in columns for place, _ in found]
        self._order = None if places == list(range(len(places))) else places
        self._spoken = [at for at, place in enumerate(places) if _spoken(contract.fields[place])]
        names = [one.name for one in inputs]
        told = {"inputs": [{"name": one, "shape": 0, "datatype": "", "data": 0} for one in names]}
        self._quotes = msgspec.json.encode(told).count(b'"')

    def read(self, body: bytes) -> Asked | None:
        """The request; None for one that is not plain."""
        if not self._plain:
            return None
        try:
            request = self._decoder.decode(body)
        except strict.FAULTS:
            return None
        values: tuple[Any, ...] = ()
        for tensor, shapes in zip(request.inputs, self._shapes, strict=True):
            if tensor.shape not in shapes:
                return None
            values += msgspec.structs.astuple(tensor.data)
        # more quotation marks than that are those of a name that occurs twice
        if body.count(b'"') != self._quotes + self._marks(request.id, values):
            return None
        if self._order is not None:
            found = dict(zip(self._order, values, strict=True))
            values = tuple(found[place] for place in range(len(values)))
        batch = of_rows(self._guard, self._packer, Usual([values]))
        return Asked(request.id, batch, self._protocol.all_wanted(binary=False))

    @functools.cached_property
    def _decoder(self) -> msgspec.json.Decoder[Any]:
        """Made for the first request, as compiled code reads most of them without it."""
        return _decoder(*self._made_of)

    def _marks(self, given: str | None, values: tuple[Any, ...]) -> int:
        if not self._spoken and given is None:
            return 0
        marks = msgspec.json.encode([given, *(values[at] for at in self._spoken)]).count(b'"')
        return marks if given is None else marks + 2


def plain(contract: Contract, inputs: Sequence[TensorInfo]) -> bool:
    """Whether each field is written as its tensor's datatype is, in a form that JSON can carry."""
    return all(FIELD_TYPES[field.dtype] == field.type for field in contract.fields) and not any(
        tensor.datatype in BINARY_ONLY for tensor in inputs
    )


def _columns(contract: Contract, tensor: TensorInfo) -> list[tuple[int, Field]]:
    """The fields of a tensor in the order of its columns, with their places in the contract."""
    found = [
        (field.column, place, field)
        for place, field in enumerate(contract.fields)
        if field.tensor == tensor.name
    ]
    return [(place, field) for _, place, field in sorted(found, key=lambda one: one[:2])]


def _shapes(tensor: TensorInfo, width: int) -> list[list[int]]:
    """The shapes that one row may be said to have."""
    wide = tensor.shape[1] if len(tensor.shape) == 2 else 1
    return [[1, width], [1]] if wide == 1 else [[1, width]]


def _spoken(field: Field) -> bool:
    return field.type == "string"


def _decoder(
    inputs: Sequence[TensorInfo], columns: Sequence[Sequence[tuple[int, Field]]]
) -> msgspec.json.Decoder[Any]:
    tensors = []
    for number, (tensor, found) in enumerate(zip(inputs, columns, strict=True)):
        cells = msgspec.defstruct(
            f"Cells{number}",
            [(f"f{place}", usual_type(field)) for place, field in found],
            array_like=True,
            forbid_unknown_fields=True,
            gc=False,
        )
        members: list[tuple[str, Any]] = [
            ("name", Literal[tensor.name]),
            ("shape", list[int]),
            ("datatype", Literal[tensor.datatype]),
            ("data", cells),
        ]
        tensors.append(msgspec.defstruct(f"Tensor{number}", members, forbid_unknown_fields=True))
    kinds: Any = tuple.__class_getitem__(tuple(tensors))
    request = msgspec.defstruct(
        "PlainRequest", [("inputs", kinds), ("id", Id | None, None)], forbid_unknown_fields=True
    )
    return msgspec.json.Decoder(request)


__all__ = ["Quick", "plain"]
