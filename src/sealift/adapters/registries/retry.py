"""Repeating what a bad moment of the network spoilt: bounded, with growing, uneven pauses."""

from __future__ import annotations

import email.utils
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import httpx

from sealift import clock
from sealift.errors import RegistryError
from sealift.network.faults import said

BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses that say: the same again, later."""


_SLICE = 0.2
"""Seconds after which somebody who waits looks whether the work is to end."""


class TransientError(Exception):
    """The registry said "later", after so many seconds if it gave a number."""

    def __init__(self, why: str, after: float | None = None) -> None:
        super().__init__(why)
        self.after = after


class StoppedError(Exception):
    """The whole work ends, so this piece of it need not go on."""


TRANSIENT = (TransientError, httpx.TransportError)


@dataclass(frozen=True)
class Retry:
    """How patient to be: seconds before the second attempt, doubling to ``longest``.

    A registry that asks for more than ``patience`` seconds is not waited for. Once ``stopped``
    says so, no pause goes on.
    """

    attempts: int = 6
    first: float = 0.5
    longest: float = 20.0
    patience: float = 120.0
    stopped: Callable[[], bool] = lambda: False

    def pause(self, failed: int) -> float:
        """Seconds to wait after so many failures: half of it certain, half of it by chance.

        Clients that failed together do not come back together.
        """
        whole = min(self.longest, self.first * 2.0 ** (failed - 1))
        return whole * (0.5 + 0.5 * int(clock.token(8), 16) / 0xFFFFFFFF)

    def wait(self, seconds: float) -> None:
        """Let time pass; raises ``StoppedError`` when the work is to end."""
        until = clock.monotonic() + seconds
        while (left := until - clock.monotonic()) > 0:
            if self.stopped():
                raise StoppedError
            clock.sleep(min(left, _SLICE))


@dataclass
class Attempts:
    """The failures of one piece of work since it last came forward."""

    policy: Retry
    where: str
    _failed: int = field(default=0, init=False)

    def failed(self, error: Exception, *, progressed: bool = False) -> None:
        """Wait for the next attempt, or raise ``RegistryError`` when there were enough.

        Work that came forward since the last failure starts counting anew.
        """
        self._failed = 1 if progressed else self._failed + 1
        after = error.after if isinstance(error, TransientError) else None
        if self._failed >= self.policy.attempts:
            raise RegistryError(
                f"The registry did not manage it in {self._failed} attempts: {said(error)}.",
                where=self.where,
                remedy="Try again later; what was transferred already is not sent again.",
            ) from error
        if after is not None and after > self.policy.patience:
            raise RegistryError(
                f"The registry wants to be asked again only in {after:.0f} seconds.",
                where=self.where,
                remedy="Try again after that; logged-in users often have a higher limit.",
            ) from error
        self.policy.wait(max(after or 0.0, self.policy.pause(self._failed)))


T = TypeVar("T")


def repeated(policy: Retry, where: str, work: Callable[[], T]) -> T:
    """The result of ``work``, which may be repeated without harm."""
    attempts = Attempts(policy, where)
    while True:
        try:
            return work()
        except TRANSIENT as error:
            attempts.failed(error)


def retry_after(text: str | None, now: float) -> float | None:
    """Seconds of a ``Retry-After`` header (RFC 9110, 10.2.3): a number of them, or a date.

    >>> retry_after("7", 0.0), retry_after("Thu, 01 Jan 1970 00:01:00 GMT", 50.0)
    (7.0, 10.0)
    """
    if not text:
        return None
    if text.isascii() and text.strip().isdigit():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


__all__ = [
    "BUSY",
    "TRANSIENT",
    "Attempts",
    "Retry",
    "StoppedError",
    "TransientError",
    "repeated",
    "retry_after",
]
