"""Requests of the Open Inference Protocol as they travel: JSON, then tensors in binary.

A body is JSON alone, or JSON of the length that ``Inference-Header-Content-Length`` tells,
followed by the binary tensors in the order of the inputs. Unknown members are refused.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from sealift.serve import pieces, strict
from sealift.serve.guard import Id
from sealift.serve.refusal import RefusalError

Parameters = dict[str, bool | int | float | str | None]
Shape = Annotated[list[Annotated[int, Meta(ge=0)]], Meta(max_length=8)]

HEADER_LENGTH = "inference-header-content-length"
SIZE = "binary_data_size"


class _Member(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What requests are made of."""


class InputTensor(_Member, frozen=True):
    """An input of a request; ``data`` is read once its datatype is known."""

    name: str
    shape: Shape
    datatype: str
    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    parameters: Parameters = {}


class WantedOutput(_Member, frozen=True):
    """An output that the client asks for."""

    name: str
    parameters: Parameters = {}


class InferRequest(_Member, frozen=True):
    """The JSON of an ``infer`` request."""

    inputs: list[InputTensor]
    id: Id | None = None
    outputs: list[WantedOutput] | None = None
    parameters: Parameters = {}


class _LongTensor(_Member, frozen=True):
    """An input whose shape may hold millions of numbers."""

    name: str
    shape: msgspec.Raw
    datatype: str
    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    parameters: Parameters = {}


class _LongRequest(_Member, frozen=True):
    """A request of which no more is read at first than does not take long."""

    inputs: list[_LongTensor]
    id: Id | None = None
    outputs: list[WantedOutput] | None = None
    parameters: Parameters = {}


MEMBERS = 1 << 14
"""Names that a request may hold, in all of its objects together."""

SIZES = 1 << 10
"""Numbers of a shape up to which it is read, though it may have fewer."""

_REQUEST = msgspec.json.Decoder(InferRequest)
_LONG_REQUEST = msgspec.json.Decoder(_LongRequest)
_SHAPE = msgspec.json.Decoder(Shape)
_MEMBERS = ("inputs", "outputs", "id", "parameters", "name", "shape", "datatype", "data")


def read(body: bytes, header: str | None) -> tuple[InferRequest, dict[int, memoryview]]:
    """The request, and by position of the input the bytes of its binary tensor, not copied.

    ``header`` is the value of ``Inference-Header-Content-Length``, None where there is none.
    Raises ``RefusalError``.
    """
    if header is None:
        request = _request(body)
        return request, _cut(request, memoryview(b"")) if _binary(request) else {}
    length = header_length(header, len(body))
    request = _request(body[:length])
    return request, _cut(request, memoryview(body)[length:])


def _request(text: bytes) -> InferRequest:
    if len(text) <= pieces.PIECE:
        return strict.decode(_REQUEST, text, _MEMBERS)
    if pieces.many(text, b":", MEMBERS):
        raise RefusalError(
            f"The request holds more than {MEMBERS} names; send fewer parameters, inputs and "
            "outputs.",
            code="length",
        )
    request = strict.decode(_LONG_REQUEST, text, _MEMBERS)
    inputs = [
        InputTensor(
            one.name,
            _shape(one.shape, f"inputs[{position}].shape"),
            one.datatype,
            one.data,
            one.parameters,
        )
        for position, one in enumerate(request.inputs)
    ]
    return InferRequest(inputs, request.id, request.outputs, request.parameters)


def _shape(given: msgspec.Raw, path: str) -> list[int]:
    text = bytes(given)
    if pieces.many(text, b",", SIZES):
        raise RefusalError(f"{path!r} must have a length of at most 8.", code="length", path=path)
    return strict.decode_part(_SHAPE, text, lambda inner: (f"{path}{inner}", f"{path}{inner}"))


def binary_from(header: str | None) -> int:
    """Where the bytes of tensors begin in a body; 0 where that is not told, or not understood.

    >>> binary_from("12"), binary_from(None), binary_from("x")
    (12, 0, 0)
    """
    return max(0, _number(header or ""))


def header_length(header: str, size: int) -> int:
    """The length of the JSON in a body of ``size`` bytes. Raises ``RefusalError``.

    >>> header_length("12", 40)
    12
    """
    length = _number(header)
    if not 0 <= length <= size:
        raise RefusalError(
            f"Inference-Header-Content-Length must be a whole number from 0 to the {size} bytes of "
            "the body.",
            code="binary_size",
            path="Inference-Header-Content-Length",
        )
    return length


def _number(header: str) -> int:
    """What a header says, -1 where that is no number of bytes."""
    return int(header) if header.isdecimal() and header.isascii() and len(header) < 16 else -1


def flag(parameters: Parameters, name: str, path: str, *, default: bool) -> bool:
    """A parameter that is true or false. Raises ``RefusalError`` for anything else."""
    value = parameters.get(name, default)
    if not isinstance(value, bool):
        raise RefusalError(
            f"The parameter {name!r} must be true or false.",
            code="wrong_type",
            path=f"{path}.{name}",
        )
    return value


def count(parameters: Parameters, name: str, path: str) -> int | None:
    """A parameter that is a whole number of 64 bits, 0 or more; None where there is none.

    Raises ``RefusalError`` for anything else.
    """
    value = parameters.get(name)
    if name not in parameters:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 64:
        raise RefusalError(
            f"The parameter {name!r} must be a whole number from 0 to 2**64 - 1.",
            code="wrong_type",
            path=f"{path}.{name}",
        )
    return value


def _binary(request: InferRequest) -> bool:
    return any(SIZE in tensor.parameters for tensor in request.inputs)


def _cut(request: InferRequest, tail: memoryview) -> dict[int, memoryview]:
    blobs: dict[int, memoryview] = {}
    begin = 0
    for position, tensor in enumerate(request.inputs):
        path = f"inputs[{position}]"
        size = count(tensor.parameters, SIZE, f"{path}.parameters")
        if size is None:
            continue
        if tensor.data is not msgspec.UNSET:
            raise RefusalError(
                "An input has either data or binary_data_size.", code="binary_size", path=path
            )
        if begin + size > len(tail):
            raise RefusalError(
                f"The body ends before the {size} bytes of this tensor; is "
                "Inference-Header-Content-Length the length of the JSON?",
                code="binary_size",
                path=f"{path}.parameters.{SIZE}",
            )
        blobs[position] = tail[begin : begin + size]
        begin += size
    if begin < len(tail):
        raise RefusalError(
            f"The body has {len(tail) - begin} bytes more than its binary tensors say.",
            code="binary_size",
            path="inputs",
        )
    return blobs


__all__ = [
    "HEADER_LENGTH",
    "binary_from",
    "InferRequest",
    "InputTensor",
    "Parameters",
    "WantedOutput",
    "count",
    "flag",
    "header_length",
    "read",
]
