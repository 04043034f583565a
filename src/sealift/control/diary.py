"""What the controller has told in its log and not taken back."""

from __future__ import annotations

from pathlib import Path

import msgspec

TAIL = 64 << 10
"""Bytes at the end of the log that are read; a trouble that lasts is told again and again."""


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """What keeps a duty of the controller from being done, where, and what to do next."""

    what: str
    where: str = ""
    next: str = ""


class _Line(msgspec.Struct, frozen=True, kw_only=True):
    event: str
    duty: str = ""
    what: str = ""
    where: str = ""
    next: str = ""


def troubles(log: Path) -> dict[str, Trouble]:
    """The troubles that last, by duty; under "controller" why the last one refused to begin.

    Lines that are not the controller's own are passed over. No log is no trouble.
    """
    found: dict[str, Trouble] = {}
    for line in _lines(log):
        if line.event == "started":
            found.clear()
        elif line.event == "recovered":
            found.pop(line.duty, None)
        elif line.event in ("trouble", "refused"):
            duty = line.duty or "controller"
            found[duty] = Trouble(what=line.what, where=line.where, next=line.next)
    return found


def _lines(log: Path) -> list[_Line]:
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - TAIL))
            raw = stream.read()
    except OSError:
        return []
    decoded = (_decode(line) for line in raw.split(b"\n"))
    return [line for line in decoded if line is not None]


def _decode(line: bytes) -> _Line | None:
    try:
        return msgspec.json.decode(line, type=_Line)
    except msgspec.DecodeError:
        return None


__all__ = ["Trouble", "troubles"]
