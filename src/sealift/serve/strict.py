"""JSON read strictly: one meaning or none, and every fault named with its path.

The decoder checks types and bounds while it parses; what it reports is put in plain words here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import msgspec

from sealift.serve import flaw
from sealift.serve import spot as spots
from sealift.serve.refusal import RefusalError, brief, nearest

T = TypeVar("T")
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
        _refuse_repeated(body, "")
    return value


def decode_lines(
    decoder: msgspec.json.Decoder[T],
    body: bytes,
    known: Iterable[str],
    place: Callable[[str], tuple[str, str]],
) -> list[T]:
    """Read a body of one JSON value a line, as ``decode`` reads one; blank lines do not count."""
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
                _refuse_repeated(line, place(f"[{number}]")[0])
    return values


def decode_part(
    decoder: msgspec.json.Decoder[T], text: bytes, place: Callable[[str], tuple[str, str]]
) -> T:
    """Read what stands at one place of a body, as ``place`` tells paths inside of it.

    Raises ``RefusalError``.
    """
    try:
        return decoder.decode(text)
    except msgspec.ValidationError as error:
        raise translated(error, place=place) from error
    except FAULTS as error:
        path = place("")[0]
        raise _unread(text, error, repr(path), path) from error


def translated(
    error: Exception,
    known: Iterable[str] = (),
    place: Callable[[str], tuple[str, str]] = lambda path: (path, path),
) -> RefusalError:
    """A decoder's error about a value in plain words.

    ``place`` turns the decoder's path into the client's, and into what a message calls it.
    """
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
    for found in re.finditer(rb"\S[^\n]*", body):
        yield body[body.rfind(b"\n", 0, found.start()) + 1 : found.end()]


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


def _refuse_repeated(body: bytes, path: str) -> None:
    try:
        if len(body) > spots.FAR:
            name, where = spots.repeated(body), path
        else:
            spot = spots.found(body)
            name = spot.word if spot is not None and spot.kind == "repeated" else None
            where = _joined(path, spot.path) if spot is not None else path
    except (ValueError, RecursionError) as error:
        raise _unread(body, error, path=path) from error
    if name is not None:
        raise RefusalError(
            f"{brief(name)} occurs twice in one object.", code="repeated_field", path=where
        )


__all__ = ["FAULTS", "decode", "decode_lines", "translated"]
