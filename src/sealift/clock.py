"""The only source of time and randomness, so that everything else can be repeated."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime

EPOCH = 1_700_000_000
"""Seconds since 1970 written wherever a format demands a time that must not vary."""

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)


now = time.time
"""Seconds since 1970, UTC."""


monotonic = time.monotonic
"""Seconds of a clock that never goes back; only differences mean anything."""


def sleep(seconds: float) -> None:
    """Wait; nothing else in Sealift does."""
    time.sleep(seconds)


def stamp(at: float) -> str:
    """An instant in RFC 3339, UTC, to the millisecond.

    >>> stamp(0.25)
    '1970-01-01T00:00:00.250Z'
    """
    text = datetime.fromtimestamp(at, tz=UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def http_date(at: float) -> str:
    """An instant as HTTP writes it (RFC 9110, 5.6.7).

    >>> http_date(784111777.5)
    'Sun, 06 Nov 1994 08:49:37 GMT'
    """
    of = time.gmtime(at)
    day, month = _DAYS[of.tm_wday], _MONTHS[of.tm_mon - 1]
    clock = f"{of.tm_hour:02}:{of.tm_min:02}:{of.tm_sec:02}"
    return f"{day}, {of.tm_mday:02} {month} {of.tm_year} {clock} GMT"


def token(length: int = 16) -> str:
    """A random name of hexadecimal digits that nobody can guess."""
    return os.urandom((length + 1) // 2).hex()[:length]


class Tokens:
    """Random names like those of ``token``, for who needs many.

    Randomness is drawn for many at once. Not to be shared with a process that is forked off.
    """

    def __init__(self) -> None:
        self._stock = ""

    def next(self, length: int = 16) -> str:
        """One of so many characters."""
        if len(self._stock) < length:
            self._stock = token(max(length, 1024))
        taken, self._stock = self._stock[:length], self._stock[length:]
        return taken


def identifier() -> str:
    """A new identifier that sorts by time: UTC to the second, then 6 random digits."""
    return datetime.now(tz=UTC).strftime("%Y%m%d-%H%M%S-") + token(6)


__all__ = [
    "EPOCH",
    "Tokens",
    "http_date",
    "identifier",
    "monotonic",
    "now",
    "sleep",
    "stamp",
    "token",
]
