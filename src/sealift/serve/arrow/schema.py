"""What the columns of an Arrow stream hold.

Numbers of tables and fields are those of the format's ``Schema.fbs`` and ``Message.fbs``.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from sealift.serve.arrow.node import Node
from sealift.serve.refusal import RefusalError, brief, nearest

_INT, _FLOAT = 2, 3
_PLAIN = {
    1: "null",
    5: "utf8",
    6: "bool",
    20: "large_utf8",
    24: "utf8_view",
}
_OTHERS = {
    4: "binary",
    7: "decimals",
    8: "dates",
    9: "times",
    10: "timestamps",
    11: "intervals",
    12: "lists",
    13: "structs",
    14: "unions",
    15: "binary",
    16: "lists",
    17: "maps",
    18: "durations",
    19: "binary",
    21: "lists",
    22: "run-end encoded values",
    23: "binary",
    25: "lists",
    26: "lists",
}
_BITS = (8, 16, 32, 64)


class Column(msgspec.Struct, frozen=True):
    """A column: ``kind`` is null, utf8, large_utf8, utf8_view, bool or numpy's letters of a number.

    A dictionary has its number in the stream, and the kind of the ``index`` into it.
    """

    name: str
    kind: str
    dictionary: int | None = None
    index: str = ""


def read(schema: Node, names: Sequence[str]) -> list[Column]:
    """The columns of a stream, which are the named ones in any order.

    Raises ``RefusalError`` for others, for ones that are missing and for what no field can hold.
    """
    if schema.number(0, "short"):
        raise RefusalError("The table is big-endian; send it little-endian.", code="arrow_type")
    columns: list[Column] = []
    for field in schema.nodes(1):
        name = field.text(0)
        if name not in names:
            raise _unknown(name, names)
        if any(name == column.name for column in columns):
            text = f"Two columns are called {brief(name)}."
            raise RefusalError(text, code="repeated_field", path=name)
        columns.append(_column(name, field))
    known = {column.name for column in columns}
    for name in names:
        if name not in known:
            text = f"{name!r} is missing."
            raise RefusalError(text, code="missing_field", path=f"rows[0].{name}")
    return columns


def _column(name: str, field: Node) -> Column:
    kind = _kind(name, field.number(2, "byte"), field)
    if not field.has(4):
        return Column(name, kind)
    encoding = field.node(4)
    index = _whole(encoding.node(1)) if encoding.has(1) else "i4"
    if not index:
        raise ValueError("a dictionary with such an index")
    return Column(name, kind, encoding.number(0, "long"), index)


def _kind(name: str, number: int, field: Node) -> str:
    if number in _PLAIN:
        return _PLAIN[number]
    if number == _INT and (kind := _whole(field.node(3))):
        return kind
    if number == _FLOAT and 0 <= (precision := field.node(3).number(0, "short")) < 3:
        return ("f2", "f4", "f8")[precision]
    if number not in _OTHERS:
        raise ValueError("a type that is not known")
    raise RefusalError(
        f"The column {brief(name)} holds {_OTHERS[number]}; send numbers, texts or truth values.",
        code="arrow_type",
        path=f"rows[0].{name}",
    )


def _whole(number: Node) -> str:
    """Numpy's letters of a whole number; empty for a width that there is none of."""
    bits = number.number(0, "int")
    letter = "i" if number.number(1, "bool") else "u"
    return f"{letter}{bits // 8}" if bits in _BITS else ""


def _unknown(name: str, names: Sequence[str]) -> RefusalError:
    hint = nearest(name, names)
    if name.startswith("__index_level_"):
        hint = " It is the index of a pandas table: write without it (preserve_index=False)."
    return RefusalError(
        f"There is no {brief(name)}.{hint}", code="unknown_field", path=f"rows[0].{name[:200]}"
    )


__all__ = ["Column", "read"]
