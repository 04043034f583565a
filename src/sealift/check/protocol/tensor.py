"""Tensors as metadata describe them, with values made up for them; pure functions."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from sealift.types import Json

FORMATS = {
    "BOOL": "?",
    "UINT8": "B",
    "UINT16": "H",
    "UINT32": "I",
    "UINT64": "Q",
    "INT8": "b",
    "INT16": "h",
    "INT32": "i",
    "INT64": "q",
    "FP16": "e",
    "FP32": "f",
    "FP64": "d",
}
"""Datatypes of a fixed size, each with its letter in ``struct``."""

DATATYPES = frozenset({*FORMATS, "BYTES", "BF16"})
TRIED = 3
"""How many values are tried for an input of which only the datatype is known."""


@dataclass(frozen=True)
class Tensor:
    """An input or output: its name, datatype and shape, -1 for a dimension that varies."""

    name: str
    datatype: str
    shape: tuple[int, ...]

    def filled(self, attempt: int, *, nested: bool = False) -> dict[str, Json]:
        """The tensor in a request, with the values of an attempt, 1 for what varies."""
        shape = [1 if size < 0 else size for size in self.shape]
        data: list[Json] = [made_up(self.datatype, attempt)] * math.prod(shape)
        return {
            "name": self.name,
            "shape": [*shape],
            "datatype": self.datatype,
            "data": folded(data, shape) if nested else data,
        }


def read(value: Json) -> list[Tensor]:
    """The tensors of a metadata answer, those that are not well formed left out."""
    found: list[Tensor] = []
    for one in value if isinstance(value, list) else []:
        if not isinstance(one, dict):
            continue
        name, datatype, shape = one.get("name"), one.get("datatype"), one.get("shape")
        if isinstance(name, str) and isinstance(datatype, str) and isinstance(shape, list):
            known = sizes(shape, least=-1)
            if known is not None:
                found.append(Tensor(name, datatype, tuple(known)))
    return found


def made_up(datatype: str, attempt: int) -> Json:
    """A value of a datatype; another one for each attempt.

    >>> made_up("FP32", 0), made_up("BYTES", 1), made_up("BOOL", 1)
    (0.5, '1', True)
    """
    if datatype == "BYTES":
        return ("a", "1", "")[attempt % TRIED]
    if datatype == "BOOL":
        return attempt % 2 == 1
    if datatype.startswith(("FP", "BF")):
        return (0.5, 1.0, 0.0)[attempt % TRIED]
    return (1, 0, 2)[attempt % TRIED]


def whole(value: Json) -> bool:
    """Whether a value is a whole number, and no truth."""
    return isinstance(value, int) and not isinstance(value, bool)


def sizes(shape: Json, least: int = 0) -> list[int] | None:
    """The dimensions of a shape; None for what is none.

    >>> sizes([2, 3]), sizes([-1, 3]), sizes([True])
    ([2, 3], None, None)
    """
    listed = shape if isinstance(shape, list) else [least - 1]
    known = [
        size
        for size in listed
        if isinstance(size, int) and not isinstance(size, bool) and size >= least
    ]
    return known if len(known) == len(listed) else None


def flat(data: Json) -> list[Json]:
    """The elements of tensor data, flat or nested, in row-major order.

    >>> flat([[1, 2], [3, 4]])
    [1, 2, 3, 4]
    """
    if not isinstance(data, list):
        return [data]
    return [element for part in data for element in flat(part)]


def folded(elements: Sequence[Json], shape: Sequence[int]) -> list[Json]:
    """Elements in row-major order, nested by a shape.

    >>> folded([1, 2, 3, 4], [2, 2])
    [[1, 2], [3, 4]]
    """
    if len(shape) < 2:
        return [*elements]
    width = math.prod(shape[1:])
    return [
        folded(elements[start : start + width], shape[1:])
        for start in range(0, shape[0] * width, max(1, width))
    ]


def packed(elements: Sequence[Json], datatype: str) -> bytes:
    """Elements as the binary extension has them: little-endian, texts after their length.

    >>> packed(["ab"], "BYTES"), packed([1, 2], "INT16")
    (b'\\x02\\x00\\x00\\x00ab', b'\\x01\\x00\\x02\\x00')
    """
    if datatype == "BYTES":
        texts = [str(element).encode() for element in elements]
        return b"".join(struct.pack("<I", len(text)) + text for text in texts)
    if datatype == "BF16":  # the upper half of a FP32 (the bits below it are cut off)
        return b"".join(struct.pack("<f", element)[2:] for element in elements)
    return struct.pack(f"<{len(elements)}{FORMATS[datatype]}", *elements)


def unpacked(content: bytes, datatype: str) -> list[Json]:
    """The elements of a binary tensor. Raises ``ValueError`` where its bytes do not come out."""
    try:
        if datatype == "BYTES":
            return _texts(content)
        if datatype == "BF16":
            pairs = [content[place : place + 2] for place in range(0, len(content), 2)]
            return [struct.unpack("<f", b"\0\0" + pair)[0] for pair in pairs]
        return [one for (one,) in struct.iter_unpack(f"<{FORMATS[datatype]}", content)]
    except (struct.error, KeyError) as error:
        raise ValueError(f"{len(content)} bytes are no tensor of {datatype}") from error


def _texts(content: bytes) -> list[Json]:
    found: list[Json] = []
    place = 0
    while place < len(content):
        (size,) = struct.unpack_from("<I", content, place)
        place += 4 + size
        if place > len(content):
            raise struct.error("a text is cut off")
        found.append(content[place - size : place].decode(errors="replace"))
    return found


def fits(element: Json, datatype: str) -> bool:
    """Whether a JSON value is an element of this datatype; null is, where a number may be none.

    >>> fits(1, "FP32"), fits(1.5, "INT64"), fits(True, "BOOL"), fits("a", "BYTES")
    (True, False, True, True)
    """
    if datatype == "BOOL":
        return isinstance(element, bool)
    if datatype == "BYTES":
        return isinstance(element, str)
    if datatype.startswith(("FP", "BF")):
        return element is None or (
            isinstance(element, int | float) and not isinstance(element, bool)
        )
    return whole(element)


def alike(one: Sequence[Json], other: Sequence[Json]) -> bool:
    """Whether two lists of elements are the same, numbers up to the rounding of a FP32.

    >>> alike([0.1, "a"], [0.10000000149, "a"]), alike([1.0], [1.1])
    (True, False)
    """
    return len(one) == len(other) and all(map(_same, one, other))


def _same(one: Json, other: Json) -> bool:
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=1e-5, abs_tol=1e-9) or one == other
    return one == other


__all__ = ["DATATYPES", "FORMATS", "TRIED", "Tensor", "alike", "fits", "flat", "made_up", "folded",
    "packed", "read", "sizes", "unpacked", "whole"]  # fmt: skip
