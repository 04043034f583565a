"""Tables that fit the terminal: whole, else with long cells wrapped, else a block a record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

GAP = "  "
SHORTEST = 24
"""Columns that a column with long texts keeps at least; longer than an identifier or an instant."""

Row = Sequence[str]


def lay_out(heads: Row, rows: Sequence[Row], width: int | None) -> Iterator[tuple[str, bool]]:
    """The lines of a table, each with whether it is a heading; ``width`` None is any.

    Nothing is left out. Where even wrapping the long texts is not enough, each record is a block
    of lines ``head  value``.

    >>> rows = [("1", "the reason why it was made")]
    >>> for line, _ in lay_out(("model", "why"), rows, None):
    ...     print(line)
    model  why
    1      the reason why it was made
    >>> for line, _ in lay_out(("model", "why"), rows, 31):
    ...     print(line)
    model  why
    1      the reason why it was
           made
    >>> for line, _ in lay_out(("model", "digest", "why"), [("1", "abc", "a reason")], 14):
    ...     print(line)
    model   1
    digest  abc
    why     a
            reason
    """
    widths = [max(map(cell_len, column)) for column in zip(heads, *rows, strict=True)]
    if width is not None and not _shrink(widths, width - len(GAP) * (len(widths) - 1)):
        yield from _blocks(heads, rows, width)
        return
    yield from ((line, True) for line in _lines(heads, widths))
    for row in rows:
        yield from ((line, False) for line in _lines(row, widths))


def _shrink(widths: list[int], room: int) -> bool:
    """Take from the widest columns until all fit; whether they do."""
    while (excess := sum(widths) - room) > 0:
        widest = max(widths)
        if widest <= SHORTEST:
            return False
        below = max([one for one in widths if one < widest], default=0)
        place = len(widths) - 1 - widths[::-1].index(widest)
        widths[place] = max(widest - excess, SHORTEST, min(below, widest - 1))
    return True


def _lines(row: Row, widths: Sequence[int]) -> Iterator[str]:
    wrapped = [_wrapped(text, size) for text, size in zip(row, widths, strict=True)]
    for cells in zip_longest(*wrapped, fillvalue=""):
        sized = (set_cell_size(text, size) for text, size in zip(cells, widths, strict=True))
        yield GAP.join(sized).rstrip()


def _wrapped(text: str, size: int) -> list[str]:
    """A text in lines of at most ``size`` columns: broken between words where that is possible."""
    if cell_len(text) <= size:
        return [text]
    lines = Text(text).wrap(Console(), size, overflow="fold")
    return [line.plain.rstrip() for line in lines]


def _blocks(heads: Row, rows: Sequence[Row], width: int) -> Iterator[tuple[str, bool]]:
    margin = max(map(cell_len, heads))
    room = max(1, width - margin - len(GAP))
    for number, row in enumerate(rows):
        if number:
            yield "", False
        for head, text in zip(heads, row, strict=True):
            if text:
                yield from ((line, False) for line in _lines((head, text), (margin, room)))


__all__ = ["lay_out"]
