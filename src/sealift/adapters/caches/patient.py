"""A shared cache that harms nobody: what fails there is said once, and then done without it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import TypeVar

from sealift.errors import IntegrityError, SealiftError
from sealift.ports import Progress, SharedCache
from sealift.record.run import Run, StepRun
from sealift.types import Digest

T = TypeVar("T")


class PatientCache:
    """A cache around another one; with ``write`` false nothing is put there.

    What was damaged there is said, and counts as not there; anything else that fails ends the use
    of the cache for this run.
    """

    def __init__(self, inner: SharedCache, progress: Progress, *, write: bool) -> None:
        self._inner, self._progress, self._write = inner, progress, write
        self._lock, self._well = Lock(), True

    def find(self, key: Digest) -> StepRun | None:
        """A step with this key; none after something failed."""
        return self._tried(lambda: self._inner.find(key), None)

    def offer(self, step: StepRun) -> None:
        """Put a finished step there, as long as nothing failed."""
        if self._write:
            self._tried(lambda: self._inner.offer(step), None)

    def keep(self, key: Digest, folder: Path) -> None:
        """Keep what a step at work wrote, as long as nothing failed."""
        if self._write:
            self._tried(lambda: self._inner.keep(key, folder), None)

    def resume(self, key: Digest, folder: Path) -> bool:
        """Fill a folder with what was kept; false after something failed."""
        return self._tried(lambda: self._inner.resume(key, folder), False)

    def drop(self, key: Digest) -> None:
        """Remove what was kept, as long as nothing failed."""
        if self._write:
            self._tried(lambda: self._inner.drop(key), None)

    def publish(self, run: Run) -> None:
        """Put a run there, as long as nothing failed."""
        if self._write:
            self._tried(lambda: self._inner.publish(run), None)

    def recall(self, word: str) -> Run | None:
        """A run; whatever fails is raised, since nothing can be done without it."""
        return self._inner.recall(word)

    def _tried(self, attempt: Callable[[], T], otherwise: T) -> T:
        if not self._well:
            return otherwise
        try:
            return attempt()
        except IntegrityError as error:
            self._progress.say(f"{error.what} {error.where}")
        except SealiftError as error:
            self._give_up(error)
        return otherwise

    def _give_up(self, error: SealiftError) -> None:
        with self._lock:
            if self._well:
                self._well = False
                self._progress.say(f"The shared cache is left aside: {error.what} {error.where}")


__all__ = ["PatientCache"]
