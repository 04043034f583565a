"""Numbers in cells of tables, which tools spell in more ways than JSON allows."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


def respelled(cell: str, *, whole: bool) -> str:
    """A cell of a column of numbers as JSON spells it; as it is where it is no decimal number.

    ``whole`` says that the column has whole numbers: one with a point but no fraction, as tables
    with gaps have them, loses the point.

    >>> [respelled(cell, whole=False) for cell in (".5", "+1.", " 2 ", "1e3", "1,5", "nan")]
    ['0.5', '1.0', '2.0', '1000.0', '1,5', 'nan']
    >>> [respelled(cell, whole=True) for cell in ("5.0", "+07", "5.5", "x")]
    ['5', '7', '5.5', 'x']
    """
    plain = cell.strip()
    if not _NUMBER.fullmatch(plain):
        return cell
    if not whole:
        return repr(float(plain))
    digits = plain.lstrip("+-")
    if digits.isdecimal():
        return plain[: plain.startswith("-")] + (digits.lstrip("0") or "0")
    value = float(plain)
    return str(int(value)) if value.is_integer() else plain


__all__ = ["respelled"]
