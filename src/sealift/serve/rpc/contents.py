"""Typed contents of a tensor: each kind of value has a member of its own."""

from __future__ import annotations

import numpy as np

from sealift.serve import binary
from sealift.serve.messages import InputTensor
from sealift.serve.refusal import RefusalError
from sealift.serve.rpc import wire
from sealift.serve.rpc.wire import BYTES, VARINT, Reader
from sealift.serve.tensors import BINARY_ONLY, NUMPY, Array, limits

FIELDS = {
    "BOOL": 1,
    "INT8": 2,
    "INT16": 2,
    "INT32": 2,
    "INT64": 3,
    "UINT8": 4,
    "UINT16": 4,
    "UINT32": 4,
    "UINT64": 5,
    "FP32": 6,
    "FP64": 7,
    "BYTES": 8,
}
"""The member that holds the values of a datatype."""

_NAMES = (
    *("", "bool", "int", "int64", "uint", "uint64", "fp32", "fp64", "bytes"),
)  # by the number of the member


def contents(
    data: bytes, span: tuple[int, int], tensor: InputTensor, path: str, most: int
) -> memoryview:
    """The bytes that the tensor would have in binary; floats are not copied.

    ``most`` bounds the values. Raises ``RefusalError``.
    """
    path = f"{path}.contents"
    if tensor.datatype in BINARY_ONLY:
        raise RefusalError(
            f"{tensor.datatype} has no typed contents; send {tensor.name!r} in raw_input_contents.",
            code="binary_only",
            path=path,
        )
    place = FIELDS.get(tensor.datatype)
    if place is None:
        # what the datatype should be is told where it is compared with the model's
        return memoryview(b"")
    begin, end = span
    found = Reader(data, most + len(_NAMES)).members(begin, end)
    for tag, first, last in found:
        other = tag >> 3
        if other != place and 0 < other < len(_NAMES) and (tag & 7 != BYTES or first < last):
            raise RefusalError(
                f"{tensor.name!r} is {tensor.datatype}: its values belong in "
                f"{_NAMES[place]}_contents, not in {_NAMES[other]}_contents.",
                code="wrong_type",
                path=path,
            )
    whole = memoryview(data)
    if place == FIELDS["BYTES"]:
        return _texts(whole, [(first, last) for tag, first, last in found if tag & 7 == BYTES])
    if place in (FIELDS["FP32"], FIELDS["FP64"]):
        parts = [whole[first:last] for tag, first, last in found if tag & 7 != VARINT]
        return parts[0] if len(parts) == 1 else memoryview(b"".join(parts))
    parts_of = [
        np.array([first], np.uint64) if tag & 7 == VARINT else wire.unpacked(whole[first:last])
        for tag, first, last in found
        if tag & 7 == VARINT or (tag & 7 == BYTES and first < last)
    ]
    words = np.concatenate(parts_of) if parts_of else np.empty(0, np.uint64)
    return _whole(words, tensor, path)


def _texts(whole: memoryview, spans: list[tuple[int, int]]) -> memoryview:
    pieces: list[bytes | memoryview] = []
    for first, last in spans:
        pieces += ((last - first).to_bytes(4, "little"), whole[first:last])
    return memoryview(b"".join(pieces))


def _whole(words: Array, tensor: InputTensor, path: str) -> memoryview:
    datatype = tensor.datatype
    if datatype == "BOOL":
        return memoryview((words != 0).astype(np.uint8).tobytes())
    values = words if datatype.startswith("U") else words.view(np.int64)
    low, high = limits(datatype)
    # a bound of 64 bits holds anyway, and cannot be compared with all of its numbers
    if (
        binary.itemsize(datatype) < 8
        and values.size
        and not (low <= values.min() and values.max() <= high)
    ):
        raise RefusalError(
            f"{tensor.name!r} holds a number that is not from {low} to {high}.",
            code="out_of_range",
            path=path,
        )
    return memoryview(values.astype(np.dtype(NUMPY[datatype]).newbyteorder("<")).tobytes())


__all__ = ["FIELDS", "contents"]
