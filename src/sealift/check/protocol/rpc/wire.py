"""Protocol buffers, written and read by the shape of a message.

Format: protobuf.dev, "Encoding". It shares no line with the server's, which it judges.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Scalar = Literal["string", "bytes", "bool", "int32", "int64", "uint32", "uint64", "float", "double"]
Kind: TypeAlias = "Scalar | Shape"

VARINT, FIXED64, BLOCK, FIXED32 = 0, 1, 2, 5
_FIXED = {"float": (FIXED32, "<f"), "double": (FIXED64, "<d")}
_WORD = (1 << 64) - 1


@dataclass(frozen=True)
class Member:
    """A member of a message: its number, what it holds, and whether there may be many."""

    number: int
    kind: Kind
    many: bool = False


@dataclass(frozen=True)
class Shape:
    """A message: its members by name; ``keyed`` ones are maps from texts to messages."""

    members: Mapping[str, Member]
    keyed: Mapping[str, Member] = field(default_factory=dict)


class MalformedError(ValueError):
    """Bytes that are no such message."""


def written(shape: Shape, value: Mapping[str, Any]) -> bytes:
    """A message of the members that ``value`` has.

    >>> written(Shape({"name": Member(1, "string")}), {"name": "ab"})
    b'\\n\\x02ab'
    """
    pieces = []
    for name, one in value.items():
        member = shape.members.get(name)
        if member is None:
            keyed = shape.keyed[name]
            pieces += [block(keyed.number, _entry(keyed.kind, *pair)) for pair in one.items()]
        elif not member.many:
            pieces.append(_member(member, one))
        elif isinstance(member.kind, Shape) or member.kind in ("string", "bytes"):
            pieces += [_member(member, each) for each in one]
        elif one:
            pieces.append(block(member.number, b"".join(_scalar(member.kind, v) for v in one)))
    return b"".join(pieces)


def loose(number: int, kind: Scalar, values: list[Any]) -> bytes:
    """Many numbers as a member each, which a reader has to take as well as packed ones."""
    return b"".join(_member(Member(number, kind), one) for one in values)


def _entry(kind: Kind, key: str, value: Any) -> bytes:
    return block(1, key.encode()) + _member(Member(2, kind), value)


def _member(member: Member, value: Any) -> bytes:
    if isinstance(member.kind, Shape):
        return block(member.number, written(member.kind, value))
    if member.kind in ("string", "bytes"):
        return block(member.number, value.encode() if isinstance(value, str) else value)
    kind = _FIXED[member.kind][0] if member.kind in _FIXED else VARINT
    return varint(member.number << 3 | kind) + _scalar(member.kind, value)


def _scalar(kind: Scalar, value: Any) -> bytes:
    if kind in _FIXED:
        return struct.pack(_FIXED[kind][1], value)
    return varint(int(value))


def varint(number: int) -> bytes:
    """A number in groups of seven bits, the lowest first.

    >>> varint(300), len(varint(-1))
    (b'\\xac\\x02', 10)
    """
    number &= _WORD
    octets = bytearray()
    while number > 127:
        octets.append(number & 127 | 128)
        number >>= 7
    return bytes([*octets, number])


def block(number: int, content: bytes) -> bytes:
    """A member with its length."""
    return varint(number << 3 | BLOCK) + varint(len(content)) + content


def read(shape: Shape, data: bytes) -> dict[str, Any]:
    """The members that a message has; those with many are lists. Raises ``MalformedError``."""
    names = {one.number: name for name, one in shape.members.items()}
    maps = {one.number: name for name, one in shape.keyed.items()}
    found: dict[str, Any] = {}
    for number, kind, content in fields(data):
        if number in maps:
            name = maps[number]
            entry = Shape({"key": Member(1, "string"), "value": Member(2, shape.keyed[name].kind)})
            pair = read(entry, _bytes(kind, content))
            found.setdefault(name, {})[pair.get("key", "")] = pair.get("value", {})
        elif number in names:
            member = shape.members[names[number]]
            values = list(_values(member, kind, content))
            if member.many:
                found.setdefault(names[number], []).extend(values)
            else:
                found[names[number]] = values[-1]
    return found


def fields(data: bytes) -> Iterator[tuple[int, int, int | bytes]]:
    """Number, kind and content of each member. Raises ``MalformedError``."""
    place = 0
    while place < len(data):
        tag, place = _varint(data, place)
        kind = tag & 7
        if kind == VARINT:
            value, place = _varint(data, place)
            yield tag >> 3, kind, value
            continue
        if kind == BLOCK:
            size, place = _varint(data, place)
        elif kind in (FIXED32, FIXED64):
            size = 4 if kind == FIXED32 else 8
        else:
            raise MalformedError(f"{kind} is no kind of member")
        if place + size > len(data):
            raise MalformedError("it ends early")
        yield tag >> 3, kind, data[place : place + size]
        place += size


def _values(member: Member, kind: int, content: int | bytes) -> Iterator[Any]:
    if isinstance(member.kind, Shape):
        yield read(member.kind, _bytes(kind, content))
    elif member.kind == "bytes":
        yield _bytes(kind, content)
    elif member.kind == "string":
        try:
            yield _bytes(kind, content).decode()
        except UnicodeDecodeError as error:
            raise MalformedError("a text is not UTF-8") from error
    elif isinstance(content, int):
        yield _number(member.kind, content)
    elif member.kind in _FIXED:
        try:
            yield from (one for (one,) in struct.iter_unpack(_FIXED[member.kind][1], content))
        except struct.error as error:
            raise MalformedError("packed numbers end early") from error
    else:
        place = 0
        while place < len(content):
            value, place = _varint(content, place)
            yield _number(member.kind, value)


def _bytes(kind: int, content: int | bytes) -> bytes:
    if kind != BLOCK or not isinstance(content, bytes):
        raise MalformedError("a member is of another kind")
    return content


def _number(kind: Scalar, value: int) -> int | bool:
    if kind == "bool":
        return bool(value)
    signed = kind in ("int32", "int64") and value >> 63
    return value - (1 << 64) if signed else value


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = 0
    for shift, octet in enumerate(data[place : place + 10]):
        value |= (octet & 127) << 7 * shift
        if octet < 128:
            return value & _WORD, place + shift + 1
    raise MalformedError("a number does not end")


__all__ = ["MalformedError", "Member", "Shape", "block", "loose", "read", "varint", "written"]
