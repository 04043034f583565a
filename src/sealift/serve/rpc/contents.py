"""Typed contents of a tensor: each kind of value has a member of its own."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np

from sealift.serve import binary
from sealift.serve.messages import InputTensor
from sealift.serve.refusal import RefusalError
from sealift.serve.rpc import wire
from sealift.serve.rpc.wire import BYTES, VARINT, Member, Reader
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
    values = _Values(data, tensor, path, most)
    for members in Reader(data, most + len(_NAMES)).groups(*span):
        values.add(members)
    return values.whole()


class _Values:
    """The values of one tensor, gathered from its members, a group after the other."""

    def __init__(self, data: bytes, tensor: InputTensor, path: str, most: int) -> None:
        self._data = memoryview(data)
        self._tensor = tensor
        self._path = path
        self._left = most
        self._place = FIELDS[tensor.datatype]
        self._float = tensor.datatype in ("FP32", "FP64")
        self._blobs: list[bytes | memoryview] = []
        self._words: list[Array] = []

    def add(self, members: Sequence[Member]) -> None:
        """Take in some members. Raises ``RefusalError`` for one of another type."""
        for tag, first, last in members:
            other = tag >> 3
            if (
                other != self._place
                and 0 < other < len(_NAMES)
                and (tag & 7 != BYTES or first < last)
            ):
                raise RefusalError(
                    f"{self._tensor.name!r} is {self._tensor.datatype}: its values belong in "
                    f"{_NAMES[self._place]}_contents, not in {_NAMES[other]}_contents.",
                    code="wrong_type",
                    path=self._path,
                )
        if self._place == FIELDS["BYTES"]:
            self._add_texts([one for one in members if one[0] & 7 == BYTES])
        elif self._float:
            parts = [self._data[first:last] for tag, first, last in members if tag & 7 != VARINT]
            self._blobs.append(parts[0] if len(parts) == 1 else b"".join(parts))
        else:
            self._add_numbers(members)

    def whole(self) -> memoryview:
        """What the tensor would be in binary. Raises ``RefusalError``."""
        if self._float or self._place == FIELDS["BYTES"]:
            blobs = self._blobs
            return memoryview(blobs[0] if len(blobs) == 1 else b"".join(blobs))
        words = np.concatenate(self._words) if self._words else np.empty(0, np.uint64)
        return _whole(words, self._tensor, self._path)

    def _add_texts(self, members: Sequence[Member]) -> None:
        pieces: list[bytes | memoryview] = []
        for _, first, last in members:
            pieces += ((last - first).to_bytes(4, "little"), self._data[first:last])
        self._blobs.append(b"".join(pieces))

    def _add_numbers(self, members: Sequence[Member]) -> None:
        """Numbers one by one, or packed: more of these than may be would take ten times their
        memory.
        """
        for kind, some in groupby(members, lambda one: one[0] & 7):
            if kind == VARINT:
                self._words.append(np.array([value for _, value, _ in some], np.uint64))
            elif kind == BYTES:
                for _, first, last in some:
                    packed = self._data[first:last]
                    self._left -= int(np.count_nonzero(np.frombuffer(packed, np.uint8) < 128))
                    if self._left < 0:
                        raise RefusalError(
                            f"{self._tensor.name!r} holds more values than any request may.",
                            code="binary_size",
                            path=self._path,
                        )
                    self._words.append(wire.unpacked(packed))


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
