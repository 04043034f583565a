"""Where in a body of JSON something stands of which its decoder tells no path.

The body is parsed once more, slowly: whoever asks has an error to tell already. What it is parsed
with is loaded by then only.
"""

from __future__ import annotations

import math
import re
from typing import Any, Literal

import msgspec

from sealift.serve import pieces

_MOST_DIGITS = 4300
"""Characters of a whole number that msgspec takes."""

FAR = 4 << 20
"""Bytes of a body up to which whoever asks should have its paths looked for."""

Kind = Literal["repeated", "constant", "half"]

_HALF = "[\ud800-\udfff]"

_TEXT = rb'"(?:[^"\\]++|\\.)*+"'
_TO_NAMES = re.compile(
    # texts that are values
    rb'(?:[^"{}]++|%b(?=[ \t\r\n]*+[,\]}]))*+' % _TEXT,
    re.DOTALL,
)
_NAME = re.compile(rb"(%b)[ \t\r\n]*+:" % _TEXT, re.DOTALL)
_COLON = re.compile(rb"[ \t\r\n]*+:")


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


def repeated(body: bytes, most: int | None = None) -> str | None:
    """A name that occurs twice in one object; None for none.

    No path is told, for which ``found`` would keep all that the body holds. Whoever knows that no
    object may have ``most`` names hears no more of a body once one has. The body must be JSON but
    for its UTF-8; it is looked through piece by piece, so that other threads have their turn.

    >>> repeated(b'{"rows": [{"a": 1}, {"b": 1, "b": 1}]}'), repeated(b'{"a": {"a": "b"}}')
    ('b', None)
    """
    inside: list[set[str]] = []
    place = 0
    while place < len(body):
        before = place
        if skipped := _TO_NAMES.match(body, place, place + pieces.PIECE):
            place = skipped.end()
        byte = body[place : place + 1]
        if byte == b"{":
            inside.append(set())
            place += 1
        elif byte == b"}":
            del inside[-1:]
            place += 1
        elif byte == b'"' and (end := _behind_name(body, place, far=place == before)):
            name = _named(body[place:end])
            if inside and name in inside[-1]:
                return _writable(name)
            if inside:
                inside[-1].add(name)
                if len(inside[-1]) == most:
                    return None
            place = end
        elif place == before:
            # a text, no name, that is longer than what is looked at
            place = pieces.behind_text(body, place + 1)
    return None


def _behind_name(body: bytes, place: int, *, far: bool) -> int:
    """Where the text ends that begins at a byte, if it is a name; else 0.

    One that is longer than a piece is found if it is looked for ``far``.
    """
    if found := _NAME.match(body, place, place + pieces.PIECE):
        return found.end(1)
    if not far:
        return 0
    end = pieces.behind_text(body, place + 1)
    return end if _COLON.match(body, end) else 0


def _named(text: bytes) -> str:
    """A name, from its text with quotation marks."""
    if b"\\" not in text:
        return text[1:-1].decode(errors="surrogateescape")
    from json import loads  # noqa: PLC0415

    return str(loads(text))


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
