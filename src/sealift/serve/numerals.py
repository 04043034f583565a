"""Long lists of numbers in JSON, read by simdjson straight into an array.

It is loaded for the first of them, and Python's own reader of JSON with it: most servers are never
sent any, or compiled code reads them.
"""

from __future__ import annotations

from threading import local
from typing import TYPE_CHECKING, Literal

import numpy as np

from sealift.serve.tensors import FIELD_TYPES, Array

if TYPE_CHECKING:
    from simdjson import Parser

LONG = 1024
"""Bytes of a list from which this is faster than values one by one."""

LARGE = 1 << 20
"""Bytes up to which a parser is kept for the next list, with the memory that it took."""

_WIDE: dict[str, tuple[Literal["d", "i"], type[np.generic]]] = {
    "float": ("d", np.float64),
    "int": ("i", np.int64),
}


class Numerals(local):
    """Reads lists, with a parser for each thread: one cannot read two lists at a time."""

    def __init__(self) -> None:
        self._kept: Parser | None = None

    def read(self, text: bytes, datatype: str) -> Array | None:
        """The numbers of a flat list in 64 bits; None for anything else, which needs a closer look.

        >>> Numerals().read(b"[0, 1.5]", "FP32")
        array([0. , 1.5])
        >>> Numerals().read(b"[0, null]", "FP32") is None
        True
        """
        known = _WIDE.get(FIELD_TYPES[datatype])
        if known is None or text.count(b"[") != 1:
            return None
        from simdjson import Array as Listed  # noqa: PLC0415
        from simdjson import Parser  # noqa: PLC0415

        kept = self._kept = self._kept or Parser()
        parser = kept if len(text) <= LARGE else Parser()
        letter, kind = known
        try:
            listed = parser.parse(text)
            if not isinstance(listed, Listed):
                return None
            return np.frombuffer(listed.as_buffer(of_type=letter), kind)
        except (ValueError, TypeError, RuntimeError):
            return None


__all__ = ["LONG", "Numerals"]
