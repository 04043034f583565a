"""Where in a body of JSON something stands of which its decoder tells no path.

The body is parsed once more, slowly: whoever asks has an error to tell already. What it is parsed
with is loaded by then only.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import Any, Literal

import msgspec

_MOST_DIGITS = 4300
"""Characters of a whole number that msgspec takes."""

FAR = 4 << 20
"""Bytes of a body up to which whoever asks should have its paths looked for."""

Kind = Literal["repeated", "constant", "half"]

_HALF = "[\ud800-\udfff]"


class Spot(msgspec.Struct, frozen=True):
    """The first name that occurs twice in its object, number that JSON does not have, or half of
    a surrogate pair.
    """

    kind: Kind
    word: str
    path: str


class _Mark:
    """Stands in a parsed body for what is looked for."""

    def __init__(self, kind: Kind, word: str) -> None:
        self.kind = kind
        self.word = word


def found(body: bytes) -> Spot | None:
    """What stands first in the body; None for neither.

    Raises ``ValueError`` or ``RecursionError`` for a body that is broken otherwise.

    >>> found(b'{"rows": [{"a": 1}, {"a": -Infinity}]}')
    Spot(kind='constant', word='-Infinity', path='rows[1].a')
    >>> found(b'{"rows": [{"a": 1, "a": 1}]}').path
    'rows[0].a'
    """
    from json import loads  # noqa: PLC0415

    value = loads(
        body,
        object_pairs_hook=_object,
        # numbers do not matter here, however many digits they have
        parse_int=_nothing,
        parse_float=_nothing,
        parse_constant=lambda word: _Mark("constant", word),
    )
    waiting: list[tuple[str, Any]] = [("", value)]
    while waiting:
        path, one = waiting.pop()
        if isinstance(one, _Mark):
            return Spot(one.kind, one.word, path)
        if isinstance(one, str) and (half := re.search(_HALF, one)):
            return Spot("half", _writable(half.group()), path)
        waiting += reversed(_inside(one, path))
    return None


def repeated(body: bytes) -> str | None:
    """A name that occurs twice in one object; None for none.

    No path is told, for which ``found`` would keep all that the body holds. Numbers go to functions
    of Python, so that other threads have their turn in lists of millions. Raises as ``found``.

    >>> repeated(b'{"rows": [{"a": 1}, {"b": 1, "b": 1}]}'), repeated(b'{"a": {"a": 1}}')
    ('b', None)
    """
    from json import loads  # noqa: PLC0415

    found: list[str] = []

    def look(pairs: list[tuple[str, None]]) -> None:
        names = [name for name, _ in pairs]
        if not found and len(set(names)) < len(names):
            found.append(_writable(next(one for one, times in Counter(names).items() if times > 1)))

    loads(body, object_pairs_hook=look, parse_int=_nothing, parse_float=_nothing)
    return found[0] if found else None


def _nothing(_: str) -> None:
    """What is kept of a number."""


def unfit(body: bytes, path: str) -> str | None:
    """The first name in the object at a path that has no plain value: a list, an object, or a
    number too large for any type; None for none.

    >>> unfit(b'{"inputs": [{"parameters": {"a": 1, "b": {}}}]}', "inputs[0].parameters")
    'b'
    >>> unfit(b'{"parameters": {"a": 1, "b": 1e999, "c": []}}', "parameters")
    'b'
    """
    from json import loads  # noqa: PLC0415

    try:
        value: Any = loads(body, parse_int=_whole)
        for name, number in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path):
            value = value[int(number)] if number else value[name]
        return next((name for name, one in value.items() if not _plain(one)), None)
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return None


def _whole(digits: str) -> float:
    return 0.0 if len(digits) <= _MOST_DIGITS else math.inf


def _plain(value: Any) -> bool:
    return not (isinstance(value, (dict, list)) or value in (math.inf, -math.inf))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    for given, value in pairs:
        name = _writable(given)
        if name in seen:
            seen[name] = _Mark("repeated", name)
        elif half := re.search(_HALF, given):
            seen[name] = _Mark("half", _writable(half.group()))
        else:
            seen[name] = value
    return seen


def _writable(text: str) -> str:
    """A text as an answer can hold it, with halves of surrogate pairs as their escapes."""
    return text.encode(errors="backslashreplace").decode()


def _inside(value: Any, path: str) -> list[tuple[str, Any]]:
    """What a value holds in which something may be found, with its paths."""
    if isinstance(value, dict):
        before = f"{path}." if path else ""
        return [(f"{before}{name}", one) for name, one in value.items() if one]
    if isinstance(value, list):
        return [(f"{path}[{number}]", one) for number, one in enumerate(value) if one]
    return []


__all__ = ["FAR", "Spot", "found", "repeated", "unfit"]
