"""A few pieces of work at once, told of in bytes, and all ended when one of them fails."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Hashable, Iterable, Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import Generic, TypeVar

from sealift import clock
from sealift.adapters.registries.retry import StoppedError
from sealift.ports import Progress

WORKERS = 4
_EVERY = 5.0
"""Seconds between two lines of talk."""
_TURN = 0.0005
"""Seconds of a thread's turn."""


class Gauge:
    """How many bytes of a ``total`` have passed; safe for threads."""

    def __init__(self, name: str, progress: Progress | None) -> None:
        self.total = 0
        self._name = name
        self._progress = progress
        self._lock = threading.Lock()
        self._done = 0
        self._told_at = clock.monotonic()
        self._stopped = threading.Event()

    def told(self, count: int) -> None:
        """So many bytes more; raises ``StoppedError`` when the work is to end."""
        if self._stopped.is_set():
            raise StoppedError
        with self._lock:
            self._done += count
            due = clock.monotonic() - self._told_at >= _EVERY
            if due:
                self._told_at = clock.monotonic()
        if due and self._progress:
            share = self._done / self.total if self.total else 1.0
            self._progress.step(self._name, f"{share:.0%} of {size(self.total)}")

    def say(self, notices: Iterable[str]) -> None:
        """Tell what the other side wants to be told."""
        for text in notices:
            if self._progress:
                self._progress.say(f"The registry says: {text}")

    def stop(self) -> None:
        """End the work at the next byte."""
        self._stopped.set()

    def is_stopped(self) -> bool:
        """Whether the work is to end."""
        return self._stopped.is_set()


def size(count: int) -> str:
    """A number of bytes for a person.

    >>> size(300), size(2_500_000)
    ('300 B', '2.5 MB')
    """
    number, units = float(count), ["B", "kB", "MB", "GB", "TB"]
    while number >= 1000 and len(units) > 1:
        number /= 1000
        units.pop(0)
    return f"{number:.0f} {units[0]}" if units[0] == "B" else f"{number:.1f} {units[0]}"


T = TypeVar("T")
R = TypeVar("R")
K = TypeVar("K", bound=Hashable)


def each(work: Callable[[T], R], items: Iterable[T], gauge: Gauge) -> list[R]:
    """The results of ``work`` on every item, ``WORKERS`` at a time, in order.

    When one fails the others are stopped, and its error is raised.
    """
    with ThreadPoolExecutor(WORKERS, "registry") as pool:
        futures = [pool.submit(work, item) for item in items]
        try:
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            failed = [one for one in done if one.exception() is not None]
        except BaseException:
            _end(futures, gauge)
            raise
        if failed:
            _end(futures, gauge)
    for one in failed:
        one.result()
    return [one.result() for one in futures]


@contextlib.contextmanager
def taking_turns() -> Iterator[None]:
    """Let the threads of this process take turns more often than usual.

    One that sends gives way to others with every piece, and has the interpreter again only when
    they do: by default 5 ms later, in which a fast connection carries megabytes.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(_TURN)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


class Begun(Generic[K, R]):
    """Pieces of work that are begun before anybody waits for them, ``WORKERS`` at a time.

    Once one has failed none is begun any more. Close it after use: what still goes on is stopped
    then, and its errors are nobody's.

    >>> begun = Begun[str, int](Gauge("", None))
    >>> begun.begin("a", lambda: 1)
    True
    >>> begun.get("a"), begun.get("b")
    (1, None)
    >>> begun.close()
    """

    def __init__(self, gauge: Gauge) -> None:
        self._gauge = gauge
        self._pool = ThreadPoolExecutor(WORKERS, "begun")
        self._futures: dict[K, Future[R | None]] = {}
        self._failed = threading.Event()

    def begin(self, key: K, work: Callable[[], R]) -> bool:
        """Begin with ``work`` soon; once for each key: whether it was not begun before."""
        if key in self._futures:
            return False
        self._futures[key] = self._pool.submit(self._done, work)
        return True

    def get(self, key: K) -> R | None:
        """The result of what was begun, or what it raised; None if nothing was."""
        future = self._futures.get(key)
        return None if future is None else future.result()

    def _done(self, work: Callable[[], R]) -> R | None:
        if self._failed.is_set():
            return None
        try:
            return work()
        except BaseException:
            self._failed.set()
            raise

    def close(self) -> None:
        """End all of it, and wait until it has ended."""
        if not all(one.done() for one in self._futures.values()):
            _end(list(self._futures.values()), self._gauge)
        self._pool.shutdown()


def _end(futures: list[Future[R]], gauge: Gauge) -> None:
    gauge.stop()
    for one in futures:
        one.cancel()


__all__ = ["WORKERS", "Begun", "Gauge", "each", "size", "taking_turns"]
