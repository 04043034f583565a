"""JSON read strictly: one meaning or none, and every fault named with its path.

The decoder checks types and bounds while it parses; what it reports is put in plain words here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TypeVar

import msgspec

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
_FOUND = {"float": "a number with a point or an exponent"}
_MOST = 200
_PLACE = re.compile(r" - at `\$(.*)`$", re.DOTALL)


def decode(decoder: msgspec.json.Decoder[T], body: bytes, known: Iterable[str]) -> T:
    """Read a body; ``known`` are the names a misspelt one is compared with.

    Raises ``RefusalError`` for anything but valid JSON of the decoder's type, and for names that
    occur twice in one object.
    """
    try:
        value = decoder.decode(body)
    except FAULTS as error:
        raise _unread(body, error) or _named(body, translated(error, known)) from error
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
        raise _unread_line(decoder, body, place) or translated(error) from error
    if body.count(b'"') != msgspec.json.Encoder().encode_lines(values).count(b'"'):
        for number, line in enumerate(_lines(body)):
            _refuse_repeated(line, place(f"[{number}]")[0])
    return values


def translated(
    error: Exception,
    known: Iterable[str] = (),
    place: Callable[[str], tuple[str, str]] = lambda path: (path, path),
) -> RefusalError:
    """A decoder's error in plain words.

    ``place`` turns the decoder's path into the client's, and into what a message calls it.
    """
    if isinstance(error, RecursionError):
        return RefusalError("The JSON is nested too deeply.", code="malformed_json")
    if isinstance(error, UnicodeDecodeError):
        return RefusalError("The body is not valid UTF-8.", code="malformed_json")
    text = _cut(str(error))
    if not isinstance(error, msgspec.ValidationError):
        return _malformed("The body", text, "")
    found = _PLACE.search(text)
    path, subject = place(found.group(1).removeprefix(".") if found else "")
    subject = repr(subject) if subject else "The body"
    return _invalid(_PLACE.sub("", text), path, subject, list(known))


def _malformed(subject: str, text: str, path: str) -> RefusalError:
    reason = text.removeprefix("JSON is malformed: ").removeprefix("Input data was ")
    return RefusalError(f"{subject} is not valid JSON: {reason}.", code="malformed_json", path=path)


def _unread(body: bytes, error: Exception, path: str = "") -> RefusalError | None:
    """What is told of the usual reasons why bytes are no JSON; None for others."""
    if isinstance(error, msgspec.ValidationError):
        return None
    if not body.strip():
        return RefusalError("The body is empty.", code="malformed_json")
    if b"NaN" not in body and b"Infinity" not in body:
        return None
    try:
        spot = spots.found(body)
    except (ValueError, RecursionError):
        return None
    if spot is None or spot.kind != "constant":
        return None
    where = _joined(path, spot.path)
    subject = repr(where) if where else "The body"
    return RefusalError(
        f"{subject} is {spot.word}, which JSON does not have; null stands for no value.",
        code="malformed_json",
        path=where,
    )


def _named(body: bytes, refusal: RefusalError) -> RefusalError:
    """The refusal, with the name that the decoder leaves out of paths into maps."""
    before, left_out, _ = refusal.where.partition("[...]")
    name = spots.unfit(body, before) if left_out else None
    if name is None:
        return refusal
    path = _joined(before, name)
    what = refusal.what.replace(f"{before}[...]", path)
    return RefusalError(what, code=refusal.code, path=path)


def _unread_line(
    decoder: msgspec.json.Decoder[T], body: bytes, place: Callable[[str], tuple[str, str]]
) -> RefusalError | None:
    """What is told of the first line that is no JSON."""
    for number, line in enumerate(_lines(body)):
        try:
            decoder.decode(line)
        except msgspec.ValidationError:
            continue
        except FAULTS as error:
            path, subject = place(f"[{number}]")
            told = _cut(str(error)) if isinstance(error, msgspec.DecodeError) else "not UTF-8"
            return _unread(line, error, path) or _malformed(repr(subject), told, path)
    return None


def _lines(body: bytes) -> list[bytes]:
    return [line for line in body.split(b"\n") if line.strip()]


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
        wanted, got = _plain(quoted[0]), _FOUND.get(quoted[1]) or _plain(quoted[1])
        return RefusalError(f"{subject} must be {wanted}, not {got}.", code="wrong_type", path=path)
    return RefusalError(f"{subject}: {text}.", code="wrong_type", path=path)


def _side(bound: str) -> str:
    return bound.replace("<=", "at most").replace(">=", "at least")


def _plain(kinds: str) -> str:
    return " or ".join(_PLAIN.get(kind, kind) for kind in kinds.split(" | "))


def _refuse_repeated(body: bytes, path: str) -> None:
    try:
        spot = spots.found(body)
    except (ValueError, RecursionError) as error:
        raise translated(error) from error
    if spot is not None and spot.kind == "repeated":
        raise RefusalError(
            f"{brief(spot.word)} occurs twice in one object.",
            code="repeated_field",
            path=_joined(path, spot.path),
        )


__all__ = ["FAULTS", "decode", "decode_lines", "translated"]
