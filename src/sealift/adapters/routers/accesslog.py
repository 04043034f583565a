"""Traefik's access log as a source of requests: read from a cursor, rotated when it grows.

The log is a row of parts. The one that Traefik writes is ``access.jsonl``; when it has grown beyond
a bound it is renamed to ``access-N.jsonl`` and Traefik is asked to open a new one. A cursor is
``{"part": N, "offset": BYTES}``. The newest renamed part is never deleted, so that numbers are not
given out twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec

from sealift.record.observation import RequestSeen
from sealift.types import Json

CURRENT = "access.jsonl"
_PART = re.compile(r"access-(\d+)\.jsonl")
_GENERATION = re.compile(r"-g(\d+)@")
_VERSION = re.compile(r"-v(\d+)@")
_CALL = "/inference.GRPCInferenceService/ModelInfer"
_REFUSED = {
    "1": 499,
    "2": 500,
    "3": 400,
    "4": 408,
    "5": 404,
    "7": 403,
    "8": 429,
    "9": 409,
    "12": 404,
    "13": 500,
    "14": 503,
    "15": 500,
}
"""The statuses of HTTP that stand for codes of gRPC, which a refused call has instead.

A deadline is the client's own, and one in too much of a hurry must not make a version look broken.
"""
_NANOSECONDS = 1e9
_BATCH = 8 << 20


class Line(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    rename={
        "start": "StartUTC",
        "method": "RequestMethod",
        "path": "RequestPath",
        "router": "RouterName",
        "service": "ServiceName",
        "status": "DownstreamStatus",
        "whole": "Duration",
        "upstream": "OriginDuration",
        "code": "downstream_Grpc-Status",
    },
):
    """The fields that are kept of a request; durations in nanoseconds, ``code`` that of gRPC."""

    start: datetime
    method: str = ""
    path: str = ""
    router: str = ""
    service: str = ""
    status: int = 0
    whole: int = 0
    upstream: int = 0
    code: str = ""


class Place(msgspec.Struct, frozen=True):
    """A cursor: the number of a part, and a byte offset in it."""

    part: int
    offset: int


_decoder = msgspec.json.Decoder(Line)


def parse(text: bytes) -> RequestSeen | None:
    """One line as a request for a prediction; None for any other request or a broken line.

    >>> parse(b'{"StartUTC":"2026-01-01T00:00:00.5Z","RequestMethod":"GET","RequestPath":"/"}')
    """
    try:
        line = _decoder.decode(text)
    except msgspec.DecodeError:
        return None
    if not _asks_for_a_prediction(line):
        return None
    return RequestSeen(
        at=line.start.timestamp(),
        generation=_number(_GENERATION, line.router),
        version=_number(_VERSION, line.service),
        status=_REFUSED.get(line.code, line.status),
        seconds=(line.upstream or line.whole) / _NANOSECONDS,
    )


def _asks_for_a_prediction(line: Line) -> bool:
    path = line.path.partition("?")[0]
    wanted = path == "/predict" or (path.startswith("/v2/models/") and path.endswith("/infer"))
    return line.method == "POST" and (wanted or path == _CALL)


def _number(pattern: re.Pattern[str], name: str) -> int:
    found = pattern.search(name)
    return int(found[1]) if found else 0


class AccessLog:
    """The parts of the log in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def current(self) -> Path:
        """The part that Traefik writes."""
        return self.folder / CURRENT

    def read(self, cursor: Json) -> tuple[list[RequestSeen], Json]:
        """The requests behind a cursor (None: from the first part), at most 8 MiB of lines.

        A last line without newline is left for later. A part that was renamed is left behind only
        once Traefik writes to the next one.
        """
        parts = self._parts()
        place = self._place(cursor, parts)
        seen: list[RequestSeen] = []
        for number in sorted(parts):
            if number < place.part:
                continue
            offset = place.offset if number == place.part else 0
            # Asked before reading: lines in the next part mean that this one is complete.
            complete = _begun(parts.get(number + 1))
            found, end, whole = _lines(parts[number], offset)
            seen.extend(found)
            place = Place(number, end)
            if not (complete and whole):
                break
        return seen, {"part": place.part, "offset": place.offset}

    def oversized(self, bound: int) -> bool:
        """Whether the part that Traefik writes has grown beyond ``bound`` bytes."""
        return _size(self.current) > bound

    def rename(self) -> None:
        """Give the current part its number; Traefik writes on to it until told to open anew."""
        self.current.rename(self.folder / f"access-{self._newest() + 1:06d}.jsonl")

    def forget(self, cursor: Json) -> None:
        """Delete the parts before a cursor, save the newest renamed one."""
        parts = self._parts()
        place = self._place(cursor, parts)
        for number, path in parts.items():
            if number < place.part and number < self._newest():
                path.unlink(missing_ok=True)

    def _parts(self) -> dict[int, Path]:
        numbered = dict(self._renamed())
        if self.current.exists():
            numbered[max(numbered, default=0) + 1] = self.current
        return numbered

    def _renamed(self) -> Iterator[tuple[int, Path]]:
        for path in self.folder.glob("access-*.jsonl"):
            if found := _PART.fullmatch(path.name):
                yield int(found[1]), path

    def _newest(self) -> int:
        return max((number for number, _ in self._renamed()), default=0)

    def _place(self, cursor: Json, parts: dict[int, Path]) -> Place:
        first = Place(min(parts, default=1), 0)
        if cursor is None:
            return first
        try:
            place = msgspec.convert(cursor, Place)
        except msgspec.ValidationError:
            return first
        if parts and place.part > max(parts):
            return first
        if place.part in parts and _size(parts[place.part]) < place.offset:
            return Place(place.part, 0)
        return place


def _begun(part: Path | None) -> bool:
    return part is not None and _size(part) > 0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _lines(path: Path, offset: int) -> tuple[list[RequestSeen], int, bool]:
    """The requests from an offset on, the offset behind them, and whether that is the end."""
    try:
        with path.open("rb") as stream:
            stream.seek(offset)
            text = stream.read(_BATCH)
    except FileNotFoundError:
        return [], offset, False
    end = text.rfind(b"\n") + 1
    found = [one for line in text[:end].split(b"\n") if line and (one := parse(line))]
    return found, offset + end, len(text) < _BATCH


__all__ = ["AccessLog", "Line", "parse"]
