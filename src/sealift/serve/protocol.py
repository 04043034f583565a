"""The Open Inference Protocol: requests in tensors, answers in tensors.

Choices where the protocol leaves some: data may be nested or flat; datatypes must be the model's
own; unknown members are refused; NaN in an output is written as null.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from sealift.serve import strict
from sealift.serve.guard import Guard, Id
from sealift.serve.refusal import RefusalError, brief, nearest
from sealift.serve.tensors import Array, Row, TensorInfo, scalars

Parameters = dict[str, bool | int | float | str | None]

_ELEMENTS: dict[str, Any] = {
    "BOOL": bool | None,
    "BYTES": str | None,
    "FP32": float | None,
    "FP64": float | None,
    "INT32": int | None,
    "INT64": int | None,
}


def _decoders(depth: int) -> dict[str, msgspec.json.Decoder[Any]]:
    kinds = _ELEMENTS
    for _ in range(depth):
        kinds = {name: list.__class_getitem__(kind) for name, kind in kinds.items()}
    return {name: msgspec.json.Decoder(kind) for name, kind in kinds.items()}


_FLAT = _decoders(1)
_NESTED = _decoders(2)


class _Member(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What requests are made of."""


class InputTensor(_Member, frozen=True):
    """An input of a request; ``data`` is read once its datatype is known."""

    name: str
    shape: Annotated[list[Annotated[int, Meta(ge=0)]], Meta(max_length=8)]
    datatype: str
    data: msgspec.Raw
    parameters: Parameters = {}


class WantedOutput(_Member, frozen=True):
    """An output that the client asks for."""

    name: str
    parameters: Parameters = {}


class InferRequest(_Member, frozen=True):
    """The body of an ``infer`` request."""

    inputs: list[InputTensor]
    id: Id | None = None
    outputs: list[WantedOutput] | None = None
    parameters: Parameters = {}


_REQUEST = msgspec.json.Decoder(InferRequest)
_NESTED_START = re.compile(rb"\s*\[\s*\[")
_MEMBERS = ("inputs", "outputs", "id", "parameters", "name", "shape", "datatype", "data")


class Protocol:
    """The protocol's requests and answers for one model."""

    def __init__(
        self, guard: Guard, inputs: Sequence[TensorInfo], outputs: Sequence[TensorInfo]
    ) -> None:
        self._guard = guard
        self._inputs = {tensor.name: tensor for tensor in inputs}
        self._outputs = {tensor.name: tensor for tensor in outputs}
        self._places = {
            tensor.name: sorted(
                (field.column, place)
                for place, field in enumerate(guard.contract.fields)
                if field.tensor == tensor.name
            )
            for tensor in inputs
        }

    def read(self, body: bytes) -> tuple[str | None, list[Row], list[str]]:
        """The id, the rows and the names of the wanted outputs. Raises ``RefusalError``."""
        request = strict.decode(_REQUEST, body, _MEMBERS)
        wanted = self._wanted(request.outputs)
        order = self._order(request.inputs)
        most = self._guard.contract.max_rows
        tensors = [
            _Cells(request.inputs[position], f"inputs[{position}]", info, most)
            for position, info in order
        ]
        rows = tensors[0].rows
        for tensor in tensors:
            if tensor.rows != rows:
                raise RefusalError(
                    f"Inputs have different numbers of rows: {rows} and {tensor.rows}.",
                    code="shape",
                    path=f"{tensor.path}.shape",
                )
        columns, places = self._columns(tensors)

        def place(row: int, field: int) -> str:
            return places[field].place(row, self._guard.contract.fields[field].column)

        return request.id, self._guard.check(list(zip(*columns, strict=True)), place), wanted

    def answer(
        self,
        outputs: dict[str, Array],
        wanted: Sequence[str],
        head: dict[str, Any],
        flags: dict[int, list[str]],
    ) -> bytes:
        """The body of an answer; ``head`` holds ``model_name``, ``model_version`` and ``id``."""
        body = dict(head)
        if flags:
            # parameters hold no objects, hence JSON in a text
            body["parameters"] = {"flags": msgspec.json.encode(flags).decode()}
        body["outputs"] = [
            {
                "name": name,
                "shape": list(outputs[name].shape),
                "datatype": self._outputs[name].datatype,
                "data": scalars(outputs[name]),
            }
            for name in wanted
        ]
        return msgspec.json.encode(body)

    def metadata(self, name: str, version: str) -> dict[str, Any]:
        """The description of the model."""

        def described(tensors: dict[str, TensorInfo]) -> list[dict[str, Any]]:
            return [
                {
                    "name": tensor.name,
                    "datatype": tensor.datatype,
                    "shape": [-1, *(-1 if size is None else size for size in tensor.shape[1:])],
                }
                for tensor in tensors.values()
            ]

        return {
            "name": name,
            "versions": [version],
            "platform": "onnx_onnxv1",
            "inputs": described(self._inputs),
            "outputs": described(self._outputs),
        }

    def _wanted(self, outputs: list[WantedOutput] | None) -> list[str]:
        if not outputs:
            return list(self._outputs)
        names: list[str] = []
        for position, output in enumerate(outputs):
            path = f"outputs[{position}].name"
            if output.name not in self._outputs:
                hint = nearest(output.name, self._outputs)
                raise RefusalError(
                    f"There is no output {brief(output.name)}.{hint}",
                    code="unknown_output",
                    path=path,
                )
            if output.name in names:
                raise RefusalError(
                    f"The output {output.name!r} is asked for twice.",
                    code="repeated_field",
                    path=path,
                )
            names.append(output.name)
        return names

    def _order(self, inputs: list[InputTensor]) -> list[tuple[int, TensorInfo]]:
        positions: dict[str, int] = {}
        for position, tensor in enumerate(inputs):
            path = f"inputs[{position}].name"
            if tensor.name not in self._inputs:
                hint = nearest(tensor.name, self._inputs)
                raise RefusalError(
                    f"There is no input {brief(tensor.name)}.{hint}",
                    code="unknown_field",
                    path=path,
                )
            if tensor.name in positions:
                raise RefusalError(
                    f"The input {tensor.name!r} occurs twice.", code="repeated_field", path=path
                )
            positions[tensor.name] = position
        for name in self._inputs:
            if name not in positions:
                raise RefusalError(
                    f"The input {name!r} is missing.", code="missing_field", path="inputs"
                )
        return [(positions[name], info) for name, info in self._inputs.items()]

    def _columns(self, tensors: list[_Cells]) -> tuple[list[list[Any]], list[_Cells]]:
        count = len(self._guard.contract.fields)
        columns: list[list[Any]] = [[]] * count
        sources = [tensors[0]] * count
        for tensor, places in zip(tensors, self._places.values(), strict=True):
            for column, place in places:
                columns[place] = tensor.flat[column :: tensor.width]
                sources[place] = tensor
        return columns, sources


class _Cells:
    """The values of one input tensor, flat and in row-major order."""

    def __init__(self, tensor: InputTensor, path: str, info: TensorInfo, most: int) -> None:
        self.path = path
        self._name = tensor.name
        if tensor.datatype != info.datatype:
            raise RefusalError(
                f"The datatype of {tensor.name!r} must be {info.datatype}.",
                code="wrong_type",
                path=f"{path}.datatype",
            )
        self.rows, self.width = self._shape(tensor, info)
        if self.rows > most:
            raise RefusalError(
                f"{self.rows} rows are too many; send at most {most}.",
                code="length",
                path=f"{path}.shape",
            )
        self.nested = _NESTED_START.match(tensor.data) is not None
        decoder: Any = (_NESTED if self.nested else _FLAT)[tensor.datatype]
        size = math.prod(tensor.shape)
        # told from the text, so that a million numbers are not built to be thrown away
        if tensor.datatype != "BYTES" and bytes(tensor.data).count(b",") >= max(1, size):
            raise self._mismatch(tensor, "more")
        try:
            data = decoder.decode(tensor.data)
        except strict.FAULTS as error:
            raise strict.translated(error, place=self._inside) from error
        self.flat = self._flatten(data, len(tensor.shape)) if self.nested else data
        if len(self.flat) != size:
            raise self._mismatch(tensor, "more" if len(self.flat) > size else "fewer")

    def place(self, row: int, column: int) -> str:
        """The client's path of a value."""
        if self.nested:
            return f"{self.path}.data[{row}][{column}]"
        return f"{self.path}.data[{row * self.width + column}]"

    def _inside(self, inner: str) -> tuple[str, str]:
        path = f"{self.path}.data{inner}"
        return path, f"{self._name}: {path}"

    def _shape(self, tensor: InputTensor, info: TensorInfo) -> tuple[int, int]:
        width = info.shape[1] if len(info.shape) == 2 else 1
        given = tensor.shape
        fits = len(given) == 2 and given[1] == width
        # a column may come without its second dimension, which is 1
        if not fits and not (width == 1 and len(given) == 1):
            wanted = f"[rows, {width}]" + (" or [rows]" if width == 1 else "")
            raise RefusalError(
                f"The shape of {tensor.name!r} must be {wanted}, not {given}.",
                code="shape",
                path=f"{self.path}.shape",
            )
        return given[0], width or 1

    def _mismatch(self, tensor: InputTensor, more: str) -> RefusalError:
        size = math.prod(tensor.shape)
        return RefusalError(
            f"{tensor.name!r} holds {more} values than its shape {tensor.shape} says ({size}).",
            code="shape",
            path=f"{self.path}.data",
        )

    def _flatten(self, data: list[list[Any]], rank: int) -> list[Any]:
        if rank != 2:
            raise RefusalError(
                "Data of a shape with one dimension cannot be nested.",
                code="shape",
                path=f"{self.path}.data",
            )
        for number, row in enumerate(data):
            if len(row) != self.width:
                raise RefusalError(
                    f"Each row must hold {self.width} values, not {len(row)}.",
                    code="shape",
                    path=f"{self.path}.data[{number}]",
                )
        return [value for row in data for value in row]


__all__ = ["InferRequest", "Protocol"]
