"""JSON read strictly: one meaning or none, and every fault named with its path.

The decoder checks types and bounds while it parses; what it reports is put in plain words here.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import msgspec

from sealift.serve import flaw, pieces
from sealift.serve import spot as spots
from sealift.serve.refusal import RefusalError, brief, nearest

T = TypeVar("T")
Place = Callable[[str], tuple[str, str]]
"""Turns a decoder's path into the client's, and into what a message calls it."""

FAULTS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that it cannot read as the type it was asked for."""

_PLAIN = {
    "array": "a list",
    "bool": "true or false",
    "float": "a number",
    "int": "a whole number",
    "null": "null",
    "object": "an object",
    "str": "text",
}
_MOST = 200
LONG = 4 * pieces.PIECE
"""Bytes of a piece of rows from which it is likely to be one row."""

_PLACE = re.compile(r" - at `\$(.*)`$", re.DOTALL)


def decode(decoder: msgspec.json.Decoder[T], body: bytes, known: Iterable[str]) -> T:
    """Read a body; ``known`` are the names a misspelt one is compared with.

    Raises ``RefusalError`` for anything but valid JSON of the decoder's type, and for names that
    occur twice in one object.
    """
    try:
        value = decoder.decode(body)
    except msgspec.ValidationError as error:
        raise _named(body, translated(error, known)) from error
    except FAULTS as error:
        raise _unread(body, error) from error
    # an object that held a name twice has lost quotation marks on the way
    if body.count(b'"') != msgspec.json.encode(value).count(b'"'):
        _refuse_repeated(body)
    return value


def decode_lines(
    decoder: msgspec.json.Decoder[T], body: bytes, known: Iterable[str], place: Place
) -> Iterator[list[T]]:
    """Read a body of one JSON object a line, as ``decode`` reads one; blank lines do not count.

    The objects hold no others, and come as many at a time as are read at once.
    """
    count = 0
    for piece in pieces.lines(body):
        yield (values := _read_lines(decoder, piece, known, behind(place, count)))
        count += len(values)


def _read_lines(
    decoder: msgspec.json.Decoder[T], body: bytes, known: Iterable[str], place: Place
) -> list[T]:
    _look_first(body, known, place)
    try:
        values = decoder.decode_lines(body)
    except msgspec.ValidationError as error:
        raise translated(error, known, place) from error
    except FAULTS as error:
        for number, line in enumerate(_lines(body)):
            inside = place(f"[{number}]")[0]
            _sound(decoder, line, f"The line of {inside!r}", inside)
        raise _unread(body, error) from error
    if body.count(b'"') != msgspec.json.Encoder().encode_lines(values).count(b'"'):
        for number, (line, value) in enumerate(zip(_lines(body), values, strict=True)):
            if line.count(b'"') != msgspec.json.encode(value).count(b'"'):
                _refuse_repeated(line, functools.partial(_joined, place(f"[{number}]")[0]))
    return values


def decode_rows(
    decoder: msgspec.json.Decoder[T], text: bytes, known: Iterable[str], place: Place, body: bytes
) -> T:
    """Read one piece of a list in a body, which is JSON but for its UTF-8, as ``decode``."""
    _look_first(text, known, place)
    try:
        value = decoder.decode(text)
    except msgspec.ValidationError as error:
        raise translated(error, known, place) from error
    except FAULTS as error:
        raise _unread(body, error) from error
    if text.count(b'"') != msgspec.json.encode(value).count(b'"'):
        _refuse_repeated(text, lambda path: place(path)[0])
    return value


def decode_part(
    decoder: msgspec.json.Decoder[T], text: bytes, place: Place, whole: bytes | None = None
) -> T:
    """Read what stands at one place of a body, as ``place`` tells paths inside of it.

    Bytes are told as those of the ``whole`` that it is a piece of. Raises ``RefusalError``.
    """
    try:
        return decoder.decode(text)
    except msgspec.ValidationError as error:
        raise translated(error, place=place) from error
    except FAULTS as error:
        path = place("")[0]
        raise _unread(whole or text, error, repr(path), path) from error


def decode_parts(
    decoder: msgspec.json.Decoder[list[T]], text: bytes, place: Place
) -> Iterator[list[T]]:
    """Read a long list of values, or of lists of them, as many at a time as are read at once.

    The body was JSON but for its UTF-8. Raises ``RefusalError``.
    """
    if text[:1] != b"[":
        yield decode_part(decoder, text, place)
        return
    count = 0
    for piece in pieces.cut(text, b"]" if re.match(rb"\[\s*\[", text) else b""):
        values = decode_part(decoder, piece, behind(place, count), text)
        yield values
        count += len(values)


def behind(place: Place, count: int) -> Place:
    """Where that is found which stands behind so many elements of a list.

    >>> behind(lambda path: (f"rows{path}", ""), 5)("[1].a")[0]
    'rows[6].a'
    """

    def moved(path: str) -> tuple[str, str]:
        number, closing, rest = path[1:].partition("]")
        return place(f"[{int(number) + count}]{rest}" if closing and number.isdecimal() else path)

    return moved if count else place


def translated(
    error: Exception,
    known: Iterable[str] = (),
    place: Place = lambda path: (path, path),
) -> RefusalError:
    """A decoder's error about a value in plain words."""
    text = _cut(str(error))
    found = _PLACE.search(text)
    path, subject = place(found.group(1).removeprefix(".") if found else "")
    subject = repr(subject) if subject else "The body"
    return _invalid(_PLACE.sub("", text), path, subject, list(known))


def _unread(
    text: bytes, error: Exception, subject: str = "The body", path: str = ""
) -> RefusalError:
    """What is told of bytes that are no JSON."""
    if isinstance(error, RecursionError):
        what = f"{subject} is JSON that is nested too deeply."
    elif not text.strip():
        what = f"{subject} is empty."
    elif (told := _spotted(text, path)) is not None:
        return told
    else:
        what = f"{subject} is not valid JSON: {flaw.reason(text, error)}."
    return RefusalError(what, code="malformed_json", path=path)


def _spotted(text: bytes, path: str) -> RefusalError | None:
    """What is told of a fault that has a path, if the bytes are sound otherwise."""
    if len(text) > spots.FAR:
        return None
    if b"NaN" not in text and b"Infinity" not in text and not flaw.halved(text):
        return None
    try:
        spot = None if flaw.coded(text) else spots.found(text)
    except (ValueError, RecursionError):
        return None
    if spot is None or spot.kind == "repeated":
        return None
    where = _joined(path, spot.path)
    subject = f"'{where}'" if where else "The body"
    what = (
        f"is {spot.word}, which JSON does not have; null stands for no value."
        if spot.kind == "constant"
        else f"holds {spot.word}, half of a surrogate pair; write both halves, or the character "
        "itself."
    )
    return RefusalError(f"{subject} {what}", code="malformed_json", path=where)


def _named(body: bytes, refusal: RefusalError) -> RefusalError:
    """The refusal, with the name that the decoder leaves out of paths into maps."""
    before, left_out, _ = refusal.where.partition("[...]")
    if not left_out:
        return refusal
    name = spots.unfit(body, before) if len(body) <= spots.FAR else None
    path = before if name is None else _joined(before, name)
    named = f"A value in {before!r}" if name is None else repr(path)
    what = refusal.what.replace(repr(refusal.where), named)
    return RefusalError(what, code=refusal.code, path=path)


def _sound(decoder: msgspec.json.Decoder[T], text: bytes, subject: str, path: str) -> None:
    """Raise ``RefusalError`` if the bytes are no JSON, whatever they hold."""
    try:
        decoder.decode(text)
    except msgspec.ValidationError:
        return
    except FAULTS as error:
        raise _unread(text, error, subject, path) from error


def _lines(body: bytes) -> Iterator[bytes]:
    """The lines that are not blank."""
    said, place = re.compile(rb"\S"), 0
    while place < len(body):
        found = said.search(body, place, place + pieces.PIECE)
        if found is None:
            place += pieces.PIECE
            continue
        end = body.find(b"\n", found.start())
        place = len(body) if end < 0 else end
        yield body[body.rfind(b"\n", 0, found.start()) + 1 : place]


def _joined(path: str, rest: str) -> str:
    return (f"{path}{rest}" if rest.startswith("[") or not path else f"{path}.{rest}")[:_MOST]


def _cut(text: str) -> str:
    # a message repeats the client's own names, which may be megabytes long
    return text if len(text) <= 2 * _MOST else f"{text[:_MOST]}...{text[-_MOST:]}"


def _invalid(text: str, path: str, subject: str, known: list[str]) -> RefusalError:
    quoted = re.findall(r"`([^`]*)`", text)
    if text.startswith("Object missing required field"):
        where = f"{path}.{quoted[0]}" if path else quoted[0]
        return RefusalError(f"{quoted[0]!r} is missing.", code="missing_field", path=where)
    if text.startswith("Object contains unknown field"):
        where = f"{path}.{quoted[0]}" if path else quoted[0]
        text = f"There is no {brief(quoted[0])}.{nearest(quoted[0], known)}"
        if quoted[0] in known:
            text = f"{quoted[0]!r} belongs elsewhere in a request; /openapi.json shows where."
        return RefusalError(text, code="unknown_field", path=where)
    if text.startswith("Invalid enum value"):
        return RefusalError(f"{subject}: not a known category.", code="unknown_category", path=path)
    if "out of range" in text:
        return RefusalError(f"{subject} is too large a number.", code="out_of_range", path=path)
    if " of length " in text:
        length = _side(text.rpartition(" of length ")[2])
        return RefusalError(f"{subject} must have a length of {length}.", code="length", path=path)
    if bound := re.search(r"[<>]= \S+$", text):
        wanted = _side(bound.group())
        return RefusalError(f"{subject} must be {wanted}.", code="out_of_range", path=path)
    if len(quoted) == 2:
        wanted, got = _plain(quoted[0]), _plain(quoted[1])
        # the decoder calls whole numbers of more than 64 bits so where none is wanted
        if quoted[1] == "float" and "int" in quoted[0].split(" | "):
            got = "a number with a point or an exponent"
        return RefusalError(f"{subject} must be {wanted}, not {got}.", code="wrong_type", path=path)
    return RefusalError(f"{subject}: {text}.", code="wrong_type", path=path)


def _side(bound: str) -> str:
    return bound.replace("<=", "at most").replace(">=", "at least")


def _plain(kinds: str) -> str:
    return " or ".join(_PLAIN.get(kind, kind) for kind in kinds.split(" | "))


def _look_first(text: bytes, known: Iterable[str], place: Place) -> None:
    """Refuse a row of megabytes which holds some name more often than it can be decoded in time.

    Of more names than are ``known`` one is not, as the decoder tells at once, or occurs twice.
    """
    most = len(list(known))
    if len(text) <= LONG or not pieces.many(text, b":", most):
        return
    if (name := spots.repeated(text, most + 1)) is not None:
        raise _repeated(name, place("")[0])


def _refuse_repeated(body: bytes, place: Callable[[str], str] = lambda path: path) -> None:
    try:
        if len(body) > spots.FAR:
            name, where = spots.repeated(body), place("")
        else:
            spot = spots.found(body)
            name = spot.word if spot is not None and spot.kind == "repeated" else None
            where = place(spot.path if spot is not None else "")[:_MOST]
    except (ValueError, RecursionError) as error:
        raise _unread(body, error, path=place("")) from error
    if name is not None:
        raise _repeated(name, where)


def _repeated(name: str, where: str) -> RefusalError:
    text = f"{brief(name)} occurs twice in one object."
    return RefusalError(text, code="repeated_field", path=where)


__all__ = [
    "FAULTS",
    "Place",
    "behind",
    "decode",
    "decode_lines",
    "decode_part",
    "decode_parts",
    "decode_rows",
    "translated",
]
