"""Requests in the log: one JSON object a line, written behind the answers' back."""

from __future__ import annotations

import asyncio
import select
import sys
from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from sealift import clock
from sealift.serve.call import Call
from sealift.serve.refusal import RefusalError

Mode = Literal["none", "errors", "all"]

PAUSE = 0.1
"""Seconds that lines gather before they are written."""

MOST = 10_000
"""Lines that wait to be written; what is more is dropped and counted."""

ERRORS = 50
"""Lines a pause of requests that were refused, so that bad clients cannot flood the log."""

_ERROR = 400


class AccessLog:
    """Writes which requests were answered, and how; used by one event loop.

    ``errors`` writes those that were refused or failed, ``all`` every one.
    """

    def __init__(self, mode: Mode) -> None:
        self.mode = mode
        self._most = MOST if mode == "all" else ERRORS
        self._lines: list[dict[str, Any]] = []
        self._dropped = 0
        self._writing: asyncio.Future[None] | None = None

    def note(self, call: Call, route: str, status: int, seconds: float) -> None:
        """Log a request that ended, if the mode says so."""
        if self._wanted(status):
            self._add(_line(call, route, status, seconds))

    def malformed(self, refusal: RefusalError) -> None:
        """Log what is no request, and so has neither a path nor an id."""
        if self._wanted(refusal.status):
            at = clock.stamp(clock.now())
            line = {"at": at, "event": "request", "route": "none", "status": refusal.status}
            self._add(line | {"code": refusal.code, "error": str(refusal)})

    def _wanted(self, status: int) -> bool:
        """Whether a line is to be written now; those that are too many are counted."""
        if self.mode == "none" or (self.mode == "errors" and status < _ERROR):
            return False
        room = len(self._lines) < self._most
        self._dropped += not room
        return room

    def _add(self, line: dict[str, Any]) -> None:
        self._lines.append(line)
        if self._writing is None:
            self._writing = asyncio.ensure_future(self._write())

    async def close(self) -> None:
        """Write what waits."""
        if self._writing is not None:
            await self._writing

    async def _write(self) -> None:
        while self._lines:
            await asyncio.sleep(PAUSE)
            lines, self._lines = self._lines, []
            if self._dropped:
                at = clock.stamp(clock.now())
                lines.append({"at": at, "event": "requests_not_logged", "count": self._dropped})
                self._dropped = 0
            # whoever reads the output may be slow; that must not hold up answers
            await asyncio.to_thread(_print, msgspec.json.Encoder().encode_lines(lines))
        self._writing = None


def _line(call: Call, route: str, status: int, seconds: float) -> dict[str, Any]:
    line: dict[str, Any] = {
        "at": clock.stamp(clock.now()),
        "event": "request",
        "id": call.id,
        "method": call.method[:16],
        "path": call.path[:200],
        "route": route,
        "status": status,
        "seconds": round(seconds, 6),
        "rows": call.rows,
    }
    if call.code:
        line["code"] = call.code
    if call.trace is not None:
        line |= {"trace_id": call.trace.id, "span_id": call.trace.span}
    return line


def _print(lines: bytes) -> None:
    for piece in pieces(lines, select.PIPE_BUF):
        sys.stdout.write(piece.decode())
        sys.stdout.flush()


def pieces(lines: bytes, most: int) -> Iterator[bytes]:
    """Whole lines, in pieces of at most ``most`` bytes where the lines allow.

    So much is written to a pipe in one go: lines of several processes do not mix.

    >>> list(pieces(b"a\\nbc\\nd\\nefghi\\n", 4))
    [b'a\\n', b'bc\\n', b'd\\n', b'efghi\\n']
    """
    begin = 0
    while begin < len(lines):
        end = lines.rfind(b"\n", begin, begin + most) + 1
        if not end:
            end = lines.find(b"\n", begin) + 1 or len(lines)
        yield lines[begin:end]
        begin = end


__all__ = ["AccessLog", "Mode"]
