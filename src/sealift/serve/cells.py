"""One input tensor of a protocol request: its values, however they came.

JSON gives a list, nested or flat; binary gives a view of the request's bytes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

import msgspec
import numpy as np

from sealift.serve import binary, numerals, pieces, strict
from sealift.serve.messages import InputTensor
from sealift.serve.refusal import RefusalError, brief
from sealift.serve.tensors import BINARY_ONLY, FIELD_TYPES, NUMPY, Array, TensorInfo, arrayed

_ELEMENTS: dict[str, Any] = {
    datatype: {"bool": bool, "float": float, "int": int, "string": str}[kind] | None
    for datatype, kind in FIELD_TYPES.items()
}


def _decoders(depth: int) -> dict[str, msgspec.json.Decoder[Any]]:
    kinds = _ELEMENTS
    for _ in range(depth):
        kinds = {name: list.__class_getitem__(kind) for name, kind in kinds.items()}
    return {name: msgspec.json.Decoder(kind) for name, kind in kinds.items()}


_FLAT = _decoders(1)
_NESTED = _decoders(2)
_NESTED_START = re.compile(rb"\s*\[\s*\[")
LONG = 4096
"""Bytes of data from which it is worth counting values before they are read."""

_NUMERALS = numerals.Numerals()

_WHOLE = np.iinfo(np.int64)


class Cells:
    """The values of one input tensor, row-major: ``flat``, and ``array`` if they came binary."""

    def __init__(
        self, tensor: InputTensor, blob: memoryview | None, path: str, info: TensorInfo, most: int
    ) -> None:
        self.path = path
        self.nested = False
        self.array: Array | None = None
        self.flat: list[Any] = []
        self._name = tensor.name
        self._datatype = info.datatype
        self._check_datatype(tensor)
        self.rows, self.width = self._shape(tensor, info)
        if self.rows > most:
            raise RefusalError(
                f"{self.rows} rows are too many; send at most {most}.",
                code="length",
                path=f"{path}.shape",
            )
        if blob is None:
            self._read_json(tensor)
        else:
            self._read_binary(tensor, blob)

    def place(self, row: int, column: int) -> str:
        """The client's path of a value."""
        if self.nested:
            return f"{self.path}.data[{row}][{column}]"
        return f"{self.path}.data[{row * self.width + column}]"

    def numbers(self) -> Array:
        """The values as an array [rows, width]; what came as JSON in 64 bits, null as NaN.

        Raises ``RefusalError`` for null, and for numbers too large, in whole numbers and truths.
        """
        if self.array is None:
            self.array = self._widened(self.flat, 0)
        return self.array.reshape(self.rows, self.width)

    def _widened(self, values: list[Any], before: int) -> Array:
        """Values that stand behind so many others, as an array."""
        kind = FIELD_TYPES[self._datatype]
        if kind == "float":
            # None becomes NaN
            return arrayed(values, np.float64)
        for number, value in enumerate(values, before):
            if value is None:
                raise RefusalError(
                    f"{self._name!r} holds null, but no {kind} may be missing.",
                    code="wrong_type",
                    path=self.place(*divmod(number, self.width)),
                )
            if kind == "int" and not _WHOLE.min <= value <= _WHOLE.max:
                raise RefusalError(
                    f"{self._name!r} holds too large a number.",
                    code="out_of_range",
                    path=self.place(*divmod(number, self.width)),
                )
        return arrayed(values, np.bool_ if kind == "bool" else np.int64)

    def _check_datatype(self, tensor: InputTensor) -> None:
        if tensor.datatype == self._datatype:
            return
        known = "" if tensor.datatype in NUMPY else f" {brief(tensor.datatype)} is none."
        raise RefusalError(
            f"The datatype of {tensor.name!r} must be {self._datatype}.{known}",
            code="wrong_type",
            path=f"{self.path}.datatype",
        )

    def _read_binary(self, tensor: InputTensor, blob: memoryview) -> None:
        size = math.prod(tensor.shape)
        if self._datatype == "BYTES":
            self.flat = binary.texts(blob, self.path, size)
            found = len(self.flat)
        else:
            item = binary.itemsize(self._datatype)
            if len(blob) != size * item:
                raise RefusalError(
                    f"{tensor.name!r} of shape {tensor.shape} has {size * item} bytes, not "
                    f"{len(blob)}.",
                    code="binary_size",
                    path=f"{self.path}.data",
                )
            self.array = binary.numbers(blob, self._datatype, self.path)
            found = size
        if found != size:
            raise self._mismatch(tensor, "more" if found > size else "fewer")

    def _read_json(self, tensor: InputTensor) -> None:
        data = tensor.data
        if data is msgspec.UNSET:
            raise RefusalError("'data' is missing.", code="missing_field", path=f"{self.path}.data")
        if self._datatype in BINARY_ONLY:
            raise RefusalError(
                f"{self._datatype} cannot be sent as JSON; send {tensor.name!r} as a binary "
                "tensor.",
                code="binary_only",
                path=f"{self.path}.data",
            )
        size = self.rows * self.width
        text = bytes(data)
        self.nested = _NESTED_START.match(text) is not None
        # told from the text, so that a million numbers are not built to be thrown away
        if len(text) > LONG and tensor.datatype != "BYTES" and text.count(b",") >= max(1, size):
            raise self._mismatch(tensor, "more")
        if len(text) > numerals.LONG and (found := self._numerals(text)) is not None:
            self.array = found
            if found.size != size:
                raise self._mismatch(tensor, "more" if found.size > size else "fewer")
            return
        decoder = (_NESTED if self.nested else _FLAT)[tensor.datatype]
        rank = len(tensor.shape)
        if len(text) > pieces.PIECE:
            count = self._read_long(strict.decode_parts(decoder, text, self._inside), rank)
        else:
            values = strict.decode_part(decoder, text, self._inside)
            self.flat = self._flatten(values, rank, 0) if self.nested else values
            count = len(self.flat)
        if count != size:
            raise self._mismatch(tensor, "more" if count > size else "fewer")

    def _read_long(self, parts: Iterable[list[Any]], rank: int) -> int:
        """Take values in, numbers as arrays, as they come; how many there are."""
        arrays: list[Array] = []
        count = rows = 0
        for part in parts:
            values = self._flatten(part, rank, rows) if self.nested else part
            if self._datatype == "BYTES":
                self.flat += values
            else:
                arrays.append(self._widened(values, count))
            count, rows = count + len(values), rows + len(part)
        if arrays:
            self.array = np.concatenate(arrays)
        return count

    def _numerals(self, text: bytes) -> Array | None:
        """The numbers of a flat list; None for anything else."""
        found = []
        for piece in pieces.cut(text, b""):
            part = _NUMERALS.read(piece, self._datatype)
            if part is None:
                return None
            found.append(part)
        return found[0] if len(found) == 1 else np.concatenate(found)

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

    def _flatten(self, data: list[list[Any]], rank: int, before: int) -> list[Any]:
        """The values of rows that stand behind so many others."""
        if rank != 2:
            raise RefusalError(
                "Data of a shape with one dimension cannot be nested.",
                code="shape",
                path=f"{self.path}.data",
            )
        for number, row in enumerate(data, before):
            if len(row) != self.width:
                raise RefusalError(
                    f"Each row must hold {self.width} values, not {len(row)}.",
                    code="shape",
                    path=f"{self.path}.data[{number}]",
                )
        return [value for row in data for value in row]


__all__ = ["Cells"]
