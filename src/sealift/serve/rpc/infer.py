"""``ModelInfer``: requests in protocol buffers become those of the protocol, answers the reverse.

Raw contents are not copied on their way to the model; typed contents become what raw contents
would be. An answer is raw if the request was, or if an output holds what no typed content can.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import msgspec
import numpy as np

from sealift.serve import binary, flagged
from sealift.serve.aside import LONG
from sealift.serve.encode import Encoder
from sealift.serve.guard import ID_LENGTH
from sealift.serve.messages import InferRequest, InputTensor, Parameters, WantedOutput
from sealift.serve.predict import Result
from sealift.serve.protocol import Asked, Protocol
from sealift.serve.refusal import RefusalError
from sealift.serve.rpc import wire
from sealift.serve.rpc.contents import FIELDS, contents
from sealift.serve.rpc.wire import BYTES, FIXED64, VARINT, Reader, block, signed
from sealift.serve.tensors import Array

FINAL_WISH = "triton_enable_empty_final_response"
"""The parameter by which a client of a stream asks to be told which answer is the last."""

_RANK = 8
"""Dimensions that a shape may have."""


class Message(msgspec.Struct, frozen=True):
    """A request that was read: which model it is for, and where its values lie in ``data``."""

    model: str
    version: str
    request: InferRequest
    data: bytes
    typed: Sequence[tuple[int, int]]
    raw: Sequence[tuple[int, int]]

    @property
    def long(self) -> bool:
        """Whether its values take long to be read: many that are typed, or texts."""
        if len(self.data) <= LONG:
            return False
        texts = any(tensor.datatype == "BYTES" for tensor in self.request.inputs)
        return texts or sum(end - begin for begin, end in self.typed) > LONG

    def asked(self, protocol: Protocol) -> Asked:
        """What is asked of a model. Raises ``RefusalError``."""
        default = bool(self.raw) or protocol.binary_only
        return protocol.understood(self.request, self._blobs(protocol.cells), binary=default)

    def _blobs(self, most: int) -> dict[int, memoryview]:
        inputs = self.request.inputs
        if not self.raw:
            return {
                position: contents(self.data, span, tensor, f"inputs[{position}]", most)
                for position, (tensor, span) in enumerate(zip(inputs, self.typed, strict=True))
            }
        for position, (begin, end) in enumerate(self.typed):
            if begin < end:
                raise RefusalError(
                    "contents field must not be specified when using raw_input_contents for "
                    f"{inputs[position].name[:80]!r} for model {self.model!r}.",
                    code="binary_size",
                    path=f"inputs[{position}].contents",
                )
        if len(self.raw) != len(inputs):
            raise RefusalError(
                f"There are {len(self.raw)} raw_input_contents for {len(inputs)} inputs.",
                code="binary_size",
                path="raw_input_contents",
            )
        whole = memoryview(self.data)
        return {position: whole[begin:end] for position, (begin, end) in enumerate(self.raw)}


def read(data: bytes) -> Message:
    """A ``ModelInferRequest``. Raises ``RefusalError``."""
    reader = Reader(data)
    texts = {1: "", 2: "", 3: ""}
    parameters: Parameters = {}
    inputs: list[InputTensor] = []
    outputs: list[WantedOutput] = []
    typed: list[tuple[int, int]] = []
    raw: list[tuple[int, int]] = []
    for tag, begin, end in reader.members(0, len(data)):
        place = tag >> 3
        if tag & 7 != BYTES:
            continue
        if place == 3 and end - begin > 4 * ID_LENGTH:
            raise _long_id()
        if place in texts:
            texts[place] = reader.text(begin, end)
        elif place == 4:
            _parameter(reader, begin, end, parameters)
        elif place == 5:
            tensor, span = _input(reader, begin, end, f"inputs[{len(inputs)}]")
            inputs.append(tensor)
            typed.append(span)
        elif place == 6:
            outputs.append(_output(reader, begin, end))
        elif place == 7:
            raw.append((begin, end))
    if len(texts[3]) > ID_LENGTH:
        raise _long_id()
    request = InferRequest(inputs, texts[3] or None, outputs or None, parameters)
    return Message(texts[1], texts[2], request, data, typed, raw)


def written(encoder: Encoder, asked: Asked, result: Result, head: dict[str, Any]) -> bytes:
    """A ``ModelInferResponse``; ``head`` as in REST."""
    raw = any(one.binary for one in asked.wanted)
    pieces: list[bytes | memoryview] = [
        block(1, head["model_name"].encode()),
        block(2, head["model_version"].encode()),
        block(3, head["id"].encode()),
    ]
    if result.flags:
        told = block(3, flagged.told(result.flags))
        pieces.append(block(4, block(1, b"flags") + block(2, told)))
    blobs: list[bytes | memoryview] = []
    for one in asked.wanted:
        datatype, array = encoder.chosen(result.outputs[one.name], one)
        shape = b"".join(map(wire.varint, array.shape))
        told = block(1, one.name.encode()) + block(2, datatype.encode()) + block(3, shape)
        if raw:
            blob = binary.packed(array, datatype)
            blobs += (b"\x32", wire.varint(len(blob)), blob)
        else:
            told += block(5, _typed(array, datatype))
        pieces.append(block(5, told))
    return b"".join((*pieces, *blobs))


def streamed(message: Message, answer: bytes) -> bytes:
    """A ``ModelStreamInferResponse`` with an answer; it is the last one, for clients that ask."""
    if message.request.parameters.get(FINAL_WISH) is True:
        answer += block(4, block(1, b"triton_final_response") + block(2, wire.number(1, 1)))
    return block(2, answer)


def failed(why: str, number: str) -> bytes:
    """A ``ModelStreamInferResponse`` for a request that has no answer, and its id."""
    return block(1, why.encode()) + block(2, block(3, number.encode()))


def _typed(array: Array, datatype: str) -> bytes:
    place = FIELDS[datatype]
    if datatype == "BYTES":
        texts = (
            one if isinstance(one, bytes) else str(one).encode()
            for one in array.reshape(-1).tolist()
        )
        return b"".join(block(place, one) for one in texts)
    if datatype in ("BOOL", "FP32", "FP64"):
        return block(place, bytes(binary.packed(array, datatype)))
    return block(place, wire.packed(array.reshape(-1)))


def _input(reader: Reader, begin: int, end: int, path: str) -> tuple[InputTensor, tuple[int, int]]:
    name = datatype = ""
    shape: list[int] = []
    parameters: Parameters = {}
    values: list[tuple[int, int]] = []
    for tag, first, last in reader.members(begin, end):
        if tag == (1 << 3 | BYTES):
            name = reader.text(first, last)
        elif tag == (2 << 3 | BYTES):
            datatype = reader.text(first, last)
        elif tag == (3 << 3 | BYTES):
            shape += _numbers(reader.data, first, last)
        elif tag == (3 << 3 | VARINT):
            shape.append(signed(first))
        elif tag == (4 << 3 | BYTES):
            _parameter(reader, first, last, parameters)
        elif tag == (5 << 3 | BYTES) and first < last:
            values.append((first, last))
    if len(values) > 1:
        text = "An input must have contents once."
        raise RefusalError(text, code="shape", path=f"{path}.contents")
    _check(shape, f"{path}.shape")
    tensor = InputTensor(name, shape, datatype, parameters=parameters)
    return tensor, values[0] if values else (0, 0)


def _long_id() -> RefusalError:
    text = f"'id' must have at most {ID_LENGTH} characters."
    return RefusalError(text, code="length", path="id")


def _check(shape: Sequence[int], path: str) -> None:
    """Refuse a shape that none can be. Raises ``RefusalError``."""
    if len(shape) > _RANK:
        text = f"A shape must have at most {_RANK} sizes."
        raise RefusalError(text, code="shape", path=path)
    for place, size in enumerate(shape):
        if size < 0:
            text = f"A size must be at least 0, not {size}."
            raise RefusalError(text, code="shape", path=f"{path}[{place}]")


def _numbers(data: bytes, begin: int, end: int) -> list[int]:
    packed = data[begin:end]
    if len(packed) > _RANK * wire.LONGEST:
        # how many more they are does not matter
        return [0] * (_RANK + 1)
    if not packed or max(packed) < 128:
        return list(packed)
    return cast("list[int]", wire.unpacked(memoryview(packed)).view(np.int64).tolist())


def _output(reader: Reader, begin: int, end: int) -> WantedOutput:
    name = ""
    parameters: Parameters = {}
    for tag, first, last in reader.members(begin, end):
        if tag == (1 << 3 | BYTES):
            name = reader.text(first, last)
        elif tag == (2 << 3 | BYTES):
            _parameter(reader, first, last, parameters)
    return WantedOutput(name, parameters)


def _parameter(reader: Reader, begin: int, end: int, found: Parameters) -> None:
    key, value = "", None
    for tag, first, last in reader.members(begin, end):
        if tag == (1 << 3 | BYTES):
            key = reader.text(first, last)
        elif tag == (2 << 3 | BYTES):
            value = _value(reader, first, last)
    found[key] = value


def _value(reader: Reader, begin: int, end: int) -> bool | int | float | str | None:
    value: bool | int | float | str | None = None
    for tag, first, last in reader.members(begin, end):
        if tag == (1 << 3 | VARINT):
            value = bool(first)
        elif tag == (2 << 3 | VARINT):
            value = signed(first)
        elif tag == (3 << 3 | BYTES):
            value = reader.text(first, last)
        elif tag == (4 << 3 | FIXED64):
            value = float(np.frombuffer(reader.data[first:last], "<f8")[0])
        elif tag == (5 << 3 | VARINT):
            value = first
    return value


__all__ = ["Message", "failed", "read", "streamed", "written"]
