"""What is wrong with a value that should have a given type, in words and with its key path.

msgspec would find the first fault too, but names neither the key of a table entry nor what a
person should have written.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from msgspec import inspect

LARGEST = 2**63 - 1


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: where, what, and what to do; a lower ``rank`` is told first."""

    rank: int
    path: str
    what: str
    remedy: str


def faults(value: object, kind: inspect.Type, path: str = "") -> Iterator[Fault]:
    """Every fault of ``value``, in the order of the file.

    >>> [fault.what for fault in faults("x", inspect.type_info(int), "serve.port")]
    ["'x' is a text, not a whole number."]
    """
    advice = _extra(kind, "write")
    kind = _plain(kind)
    if isinstance(kind, inspect.UnionType):
        kind = _member(value, kind)
        if advice and next(faults(value, kind), None):
            yield _wrong(value, advice, path)
            return
    if isinstance(kind, inspect.StructType):
        yield from _struct(value, kind, path)
    elif isinstance(kind, inspect.DictType):
        yield from _table(value, kind, path)
    elif isinstance(kind, inspect.ListType):
        yield from _list(value, kind, path)
    else:
        yield from _leaf(value, kind, path, advice)


def nearest(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """A remedy: the known word that is most like this one, or else the list of them.

    >>> nearest("requirments", ["python", "requirements"])
    "Did you mean 'requirements'?"
    """
    choices = sorted(known)
    ends = [choice for choice in choices if choice.endswith(f".{word}")]
    if near := difflib.get_close_matches(word, choices, n=1) or ends:
        return f"Did you mean {near[0]!r}?"
    listed = ", ".join(choices[:12]) + (", ..." if len(choices) > 12 else "")
    return f"Known: {listed}." if choices else otherwise


def join(path: str, key: str) -> str:
    """The path of a key, quoted where TOML wants quotes.

    >>> join("data", "my lake")
    'data."my lake"'
    """
    word = key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else f'"{_brief(key)}"'
    return f"{path}.{word}" if path else word


def _struct(value: object, kind: inspect.StructType, path: str) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield _wrong(value, f"a table with the keys {_keys(kind)}", path)
        return
    fields = {field.encode_name: field for field in kind.fields}
    section = f"in [{path}]" if path else "at the top of the file"
    for key, inner in value.items():
        if key not in fields:
            yield Fault(0, join(path, key), f"Unknown key {key!r} {section}.", _unknown(key, kind))
        else:
            yield from faults(inner, fields[key].type, join(path, key))
    for name, field in fields.items():
        if field.required and name not in value:
            what = f"The key {name!r} is missing {section}."
            yield Fault(1, join(path, name), what, f"Add it: {_meaning(field.type)}")


def _table(value: object, kind: inspect.DictType, path: str) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield _wrong(value, "a table of named entries", path)
        return
    for key, inner in value.items():
        yield from faults(key, kind.key_type, join(path, key))
        yield from faults(inner, kind.value_type, join(path, key))


def _list(value: object, kind: inspect.ListType, path: str) -> Iterator[Fault]:
    if not isinstance(value, list):
        yield _wrong(value, "a list in [ ]", path)
        return
    for number, inner in enumerate(value):
        yield from faults(inner, kind.item_type, f"{path}[{number}]")


def _leaf(value: object, kind: inspect.Type, path: str, advice: str) -> Iterator[Fault]:
    if isinstance(kind, inspect.LiteralType):
        if value not in kind.values:
            choices = [str(choice) for choice in kind.values]
            wanted = f"one of {', '.join(choices)}"
            what = f"{_found(value)} is not {wanted}."
            yield Fault(2, path, what, nearest(str(value), choices))
    elif isinstance(kind, inspect.BoolType):
        if not isinstance(value, bool):
            yield _wrong(value, "true or false", path)
    elif isinstance(kind, inspect.IntType | inspect.FloatType):
        yield from _number(value, kind, path)
    elif isinstance(kind, inspect.StrType):
        yield from _text(value, kind, path, advice)
    elif not isinstance(kind, inspect.NoneType) or value is not None:
        yield _wrong(value, "true, false, a number or a text", path)


def _number(value: object, kind: inspect.IntType | inspect.FloatType, path: str) -> Iterator[Fault]:
    whole = isinstance(kind, inspect.IntType)
    right = isinstance(value, int) or (isinstance(value, float) and not whole)
    if not right or isinstance(value, bool) or not isinstance(value, int | float):
        yield _wrong(value, "a whole number" if whole else "a number", path)
        return
    bounds = (
        (kind.gt is not None and not value > kind.gt, f"greater than {kind.gt}"),
        (kind.ge is not None and not value >= kind.ge, f"{kind.ge} or more"),
        (kind.lt is not None and not value < kind.lt, f"less than {kind.lt}"),
        (kind.le is not None and not value <= kind.le, f"{kind.le} or less"),
        (not math.isfinite(value) if isinstance(value, float) else False, "a finite number"),
        (isinstance(value, int) and abs(value) > LARGEST, "a number of at most 64 bits"),
    )
    if wanted := [words for broken, words in bounds if broken]:
        yield _wrong(value, wanted[0], path)


def _text(value: object, kind: inspect.StrType, path: str, advice: str) -> Iterator[Fault]:
    if not isinstance(value, str):
        simple = isinstance(value, int | float) and not isinstance(value, bool)
        yield _wrong(value, "a text in quotes", path, f'Write "{value}".' if simple else "")
        return
    fits = kind.pattern is None or re.fullmatch(kind.pattern, value)
    if not fits or len(value) < (kind.min_length or 0):
        wanted = advice or f"a text like {kind.pattern}"
        yield Fault(2, path, f"{_found(value)} does not fit here.", f"Write {wanted}.")
    elif "\0" in value:
        yield Fault(2, path, "The text holds a NUL character.", "Remove it.")


def _member(value: object, kind: inspect.UnionType) -> inspect.Type:
    """The member of a union that the value was probably meant to be."""
    members = [_plain(member) for member in kind.types]
    for member in members:
        if next(faults(value, member), None) is None:
            return member
    others = [member for member in members if not isinstance(member, inspect.NoneType)]
    if isinstance(value, float | int):
        others = [one for one in others if isinstance(one, inspect.FloatType)] or others
    return others[0] if len(others) == 1 else inspect.NoneType()


def _plain(kind: inspect.Type) -> inspect.Type:
    return _plain(kind.type) if isinstance(kind, inspect.Metadata) else kind


def _extra(kind: inspect.Type, name: str) -> str:
    """What the annotation says under this name, in its own words or in the JSON schema's."""
    if not isinstance(kind, inspect.Metadata):
        return ""
    return str({**(kind.extra_json_schema or {}), **(kind.extra or {})}.get(name, ""))


def _unknown(key: str, kind: inspect.StructType) -> str:
    own = [field.encode_name for field in kind.fields]
    if difflib.get_close_matches(key, own, n=1):
        return nearest(key, own)
    for field in kind.fields:
        inner = _plain(field.type)
        if isinstance(inner, inspect.UnionType):
            inner = _plain(inner.types[0])
        if isinstance(inner, inspect.StructType) and key in {f.encode_name for f in inner.fields}:
            return f"It belongs in [{field.encode_name}]."
    return nearest(key, own)


def _keys(kind: inspect.StructType) -> str:
    return ", ".join(field.encode_name for field in kind.fields)


def _meaning(kind: inspect.Type) -> str:
    text = _extra(kind, "description") or "It has no default."
    return text[:1].lower() + text[1:]


def _wrong(value: object, wanted: str, path: str, hint: str = "") -> Fault:
    what = f"{_found(value)} is {_kind(value)}, not {wanted}."
    return Fault(2, path, what, hint or f"Write {wanted}.")


def _kind(value: object) -> str:
    names: dict[type, str] = {
        bool: "true or false",
        int: "a whole number",
        float: "a number",
        str: "a text",
        list: "a list",
        dict: "a table",
    }
    return names.get(type(value), "a date")


def _found(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return _brief(repr(value) if isinstance(value, str) else str(value))


def _brief(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


__all__ = ["Fault", "faults", "join", "nearest"]
