"""Names of the fields whose values are unlike the training data, by row, for any number of them.

Rows that are alike in this share one list, which nobody changes; it is written and counted once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import msgspec
import numpy as np

from sealift.serve.tensors import Array

MANY = 1 << 13
"""Names up to which they are told at once; more take milliseconds, and a thread tells them."""

FEW = 16
"""Rows up to which all are written in one go."""

Flags = Mapping[int, Sequence[str]]


class Marks:
    """Which values of some rows are flagged: ``seen`` [rows, columns], columns of ``names``,
    an array of objects.
    """

    def __init__(self, names: Array, seen: Array) -> None:
        self._names = names
        self._seen = seen

    @property
    def many(self) -> bool:
        """Whether telling them takes long."""
        return self._seen.size > MANY and int(np.count_nonzero(self._seen)) > MANY

    def named(self) -> dict[int, list[str]]:
        """The names, by row, in the order of the columns."""
        known: dict[bytes, list[str]] = {}
        flags: dict[int, list[str]] = {}
        for row in np.flatnonzero(self._seen.any(1)).tolist():
            seen = self._seen[row]
            names = known.get(key := seen.tobytes())
            if names is None:
                names = known[key] = self._names[seen].tolist()
            flags[row] = names
        return flags


def counted(flags: Flags) -> dict[str, int]:
    """How many rows each field is flagged in.

    >>> counted({0: ["a", "b"], 5: ["a"]})
    {'a': 2, 'b': 1}
    """
    if not flags:
        return {}
    counts: Counter[str] = Counter()
    lists = {id(names): names for names in flags.values()}
    for number, times in Counter(map(id, flags.values())).items():
        if times == 1:
            counts.update(lists[number])
        else:
            for name in lists[number]:
                counts[name] += times
    return dict(counts)


def told(flags: Flags) -> bytes:
    """The flags as JSON.

    >>> told({0: ["a", "b"], 5: ["a"]})
    b'{"0":["a","b"],"5":["a"]}'
    """
    if len(flags) <= FEW:
        return msgspec.json.encode(flags)
    return b"{" + _members(flags, msgspec.json.encode, b'"%d":') + b"}"


def quoted(flags: Flags) -> bytes:
    """A text in JSON that holds the flags as JSON.

    >>> print(quoted({0: ["a"]}).decode())
    "{\\"0\\":[\\"a\\"]}"
    """
    if len(flags) <= FEW:
        return msgspec.json.encode(msgspec.json.encode(flags).decode())
    return b'"{' + _members(flags, _within_text, b'\\"%d\\":') + b'}"'


def _members(flags: Flags, write: Callable[[Sequence[str]], bytes], head: bytes) -> bytes:
    """Row by row, so that the interpreter can be given to other threads in between."""
    known: dict[int, bytes] = {}
    pieces = []
    for row, names in flags.items():
        text = known.get(id(names))
        if text is None:
            text = known[id(names)] = write(names)
        pieces.append(head % row + text)
    return b",".join(pieces)


def _within_text(names: Sequence[str]) -> bytes:
    return msgspec.json.encode(msgspec.json.encode(names).decode())[1:-1]


__all__ = ["FEW", "MANY", "Flags", "Marks", "counted", "quoted", "told"]
