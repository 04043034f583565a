"""Tensors in messages: typed contents, raw contents, and back; pure functions."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sealift.check.protocol.tensor import FORMATS, packed, unpacked
from sealift.types import Json

TYPED = {
    "BOOL": "bool_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}
"""The member that holds the elements of a datatype; FP16 and BF16 have none."""


@dataclass(frozen=True)
class Given:
    """A tensor: its name, datatype, shape and elements, those of BYTES as bytes."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    elements: tuple[Any, ...]

    @property
    def head(self) -> dict[str, Any]:
        """The tensor without its elements."""
        return {"name": self.name, "datatype": self.datatype, "shape": list(self.shape)}

    @property
    def typed(self) -> dict[str, Any]:
        """The tensor with typed contents."""
        return {**self.head, "contents": {TYPED[self.datatype]: list(self.elements)}}

    @property
    def raw(self) -> bytes:
        """The elements as raw contents have them."""
        return raw(self.elements, self.datatype)


def raw(elements: Sequence[Any], datatype: str) -> bytes:
    """Elements without gaps, little-endian, each of BYTES after its length.

    >>> raw([b"ab"], "BYTES"), raw([1, 2], "INT16")
    (b'\\x02\\x00\\x00\\x00ab', b'\\x01\\x00\\x02\\x00')
    """
    if datatype == "BYTES":
        return b"".join(struct.pack("<I", len(one)) + one for one in elements)
    return packed(elements, datatype)


def given(name: str, datatype: str, shape: Sequence[int], data: Sequence[Json]) -> Given:
    """A tensor of the elements that JSON has."""
    elements = [str(one).encode() if datatype == "BYTES" else one for one in data]
    return Given(name, datatype, tuple(shape), tuple(elements))


def outputs(answer: Mapping[str, Any]) -> dict[str, Given]:
    """The outputs of an answer by name. Raises ``ValueError`` for contents that are none."""
    found: dict[str, Given] = {}
    blobs = answer.get("raw_output_contents", [])
    listed = answer.get("outputs", [])
    if blobs and len(blobs) != len(listed):
        raise ValueError(f"{len(blobs)} raw_output_contents are there for {len(listed)} outputs")
    for place, one in enumerate(listed):
        name, datatype = one.get("name", ""), one.get("datatype", "")
        contents = one.get("contents", {})
        if blobs and contents:
            raise ValueError(f"{name!r} has contents beside raw_output_contents")
        values = _raw(blobs[place], datatype) if blobs else contents.get(TYPED.get(datatype), [])
        shape = tuple(one.get("shape", []))
        if len(values) != math.prod(shape):
            told = "raw" if blobs else str(TYPED.get(datatype, "no typed contents"))
            raise ValueError(f"{name!r} has {len(values)} elements ({told}) for shape {shape}")
        found[name] = Given(name, datatype, shape, tuple(values))
    return found


def _raw(blob: bytes, datatype: str) -> Sequence[Any]:
    if datatype != "BYTES":
        if datatype not in FORMATS and datatype != "BF16":
            raise ValueError(f"{datatype!r} is no datatype")
        return unpacked(blob, datatype)
    found, place = [], 0
    while place < len(blob):
        size = int.from_bytes(blob[place : place + 4], "little")
        place += 4 + size
        if place > len(blob):
            raise ValueError("a text is cut off, or has no length before it")
        found.append(blob[place - size : place])
    return found


__all__ = ["TYPED", "Given", "given", "outputs", "raw"]
