"""Tensors as bytes: little-endian, row-major, without gaps.

A text has its length in 4 bytes before it; a truth is one byte, 0 or 1.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from sealift.serve import bfloat16
from sealift.serve.refusal import RefusalError
from sealift.serve.tensors import NUMPY, Array

_WIRE: dict[str, np.dtype[Any]] = {
    **{name: np.dtype(kind).newbyteorder("<") for name, kind in NUMPY.items()},
    "BF16": np.dtype("<u2"),
    "BOOL": np.dtype(np.uint8),
}
_LENGTH = struct.Struct("<I")


def itemsize(datatype: str) -> int:
    """Bytes of an element; 0 for texts, which differ.

    >>> itemsize("BF16"), itemsize("INT64"), itemsize("BYTES")
    (2, 8, 0)
    """
    return 0 if datatype == "BYTES" else _WIRE[datatype].itemsize


def numbers(blob: memoryview, datatype: str, path: str) -> Array:
    """A flat view of the elements; no byte is copied but for BF16, which becomes FP32, and where
    the elements do not lie at multiples of their size: whoever reads them then takes longer.

    Raises ``RefusalError`` for bytes that are no truths. The size must be a multiple of the
    element's.
    """
    array: Array = np.frombuffer(blob, _WIRE[datatype])
    if not array.flags.aligned:
        array = array.copy()
    if datatype == "BF16":
        return bfloat16.widened(array)
    if datatype == "BOOL":
        if array.size and array.max() > 1:
            raise RefusalError(
                "A truth must be the byte 0 or 1.", code="wrong_type", path=f"{path}.data"
            )
        return array.view(np.bool_)
    return array


def texts(blob: memoryview, path: str, most: int) -> list[str]:
    """The texts of a tensor; of more than ``most`` one is read, to show that there are more.

    Raises ``RefusalError`` for bytes that end early or are not UTF-8.
    """
    found: list[str] = []
    place, size = 0, len(blob)
    while place < size and len(found) <= most:
        begin = place + _LENGTH.size
        end = begin + _LENGTH.unpack_from(blob, place)[0] if begin <= size else size + 1
        if end > size:
            raise RefusalError(
                f"The bytes end before element {len(found)} does.",
                code="binary_size",
                path=f"{path}.data",
            )
        found.append(text(blob[begin:end], f"{path}.data[{len(found)}]"))
        place = end
    return found


def text(blob: memoryview, path: str) -> str:
    """One text. Raises ``RefusalError`` when it is not UTF-8."""
    try:
        return str(blob, "utf-8")
    except UnicodeDecodeError as error:
        raise RefusalError("The text is not valid UTF-8.", code="wrong_type", path=path) from error


def packed(array: Array, datatype: str) -> bytes | memoryview:
    """The bytes of a tensor; not copied where its memory is in their order already.

    >>> bytes(packed(np.array(["ab"], object), "BYTES"))
    b'\\x02\\x00\\x00\\x00ab'
    """
    if datatype == "BYTES":
        pieces: list[bytes] = []
        for value in array.reshape(-1).tolist():
            encoded = value if isinstance(value, bytes) else str(value).encode()
            pieces += (_LENGTH.pack(len(encoded)), encoded)
        return b"".join(pieces)
    if datatype == "BF16":
        array = bfloat16.packed(array)
    flat = np.ascontiguousarray(array, _WIRE[datatype]).reshape(-1)
    return flat.view(np.uint8).data if flat.size else b""


__all__ = ["itemsize", "numbers", "packed", "text", "texts"]
