"""Long lists of numbers in JSON, read by simdjson straight into an array."""

from __future__ import annotations

from typing import Literal

import numpy as np
import simdjson

from sealift.serve.tensors import FIELD_TYPES, Array

LONG = 1024
"""Bytes of a list from which this is faster than values one by one."""

LARGE = 1 << 20
"""Bytes up to which a parser is kept for the next list, with the memory that it took."""

_WIDE: dict[str, tuple[Literal["d", "i"], type[np.generic]]] = {
    "float": ("d", np.float64),
    "int": ("i", np.int64),
}


class Numerals:
    """Reads lists; used by one thread."""

    def __init__(self) -> None:
        self._parser = simdjson.Parser()

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
        parser = self._parser if len(text) <= LARGE else simdjson.Parser()
        letter, kind = known
        try:
            listed = parser.parse(text)
            if not isinstance(listed, simdjson.Array):
                return None
            return np.frombuffer(listed.as_buffer(of_type=letter), kind)
        except (ValueError, TypeError, RuntimeError):
            return None


__all__ = ["LONG", "Numerals"]
