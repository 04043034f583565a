"""Labels that come in over the API."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from sealift.errors import DataError
from sealift.record.observation import Label
from sealift.watch.labels import Line, label


class Batch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a request in JSON."""

    labels: list[msgspec.Raw]


BAD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What bytes of all kinds make of a decoder."""

_BATCH = msgspec.json.Decoder(Batch)
_LINE = msgspec.json.Decoder(Line)
REMEDY = 'Send {"labels": [{"id": "...", "value": ...}, ...]}, or one label a line.'


def read(content: bytes, *, now: float) -> list[Label]:
    """The labels of a body: one JSON object with all of them, or JSON lines.

    Raises ``DataError`` with the place of the first bad one, such as ``labels[3].value``.
    """
    return [_label(raw, place, now) for place, raw in _each(content)]


def _each(content: bytes) -> Iterator[tuple[str, bytes]]:
    if not content.strip():
        raise DataError("The body is empty.", remedy=REMEDY)
    try:
        batch = _BATCH.decode(content)
    except BAD as error:
        lines = content.splitlines()
        if not _is_label(lines[0]):
            raise _bad(error, "") from error
        batch = Batch([msgspec.Raw(line) for line in lines if line.strip()])
    for number, raw in enumerate(batch.labels):
        yield f"labels[{number}]", bytes(raw)


def _is_label(line: bytes) -> bool:
    """Whether the first line is a label by itself, or nearly one."""
    try:
        first = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
    except BAD:
        return False
    return "id" in first or "value" in first


def _label(raw: bytes, place: str, now: float) -> Label:
    try:
        return label(_LINE.decode(raw), now=now, where=place)
    except BAD as error:
        raise _bad(error, place) from error


def _bad(error: Exception, place: str) -> DataError:
    """With the field that the decoder names, as in "... - at `$.value`"."""
    found = re.fullmatch(r"(.*) - at `\$(.*)`", str(error), re.DOTALL)
    what, field = found.groups() if found else (str(error), "")
    return DataError(f"{what}.", where=f"{place}{field}".lstrip("."), remedy=REMEDY)


__all__ = ["read"]
