"""A shared cache that harms nobody: what fails there is said once, and then done without it."""

from __future__ import annotations

from threading import Lock

from sealift.errors import SealiftError
from sealift.ports import Progress, SharedCache
from sealift.record.run import StepRun
from sealift.types import Digest


class PatientCache:
    """A cache around another one; with ``write`` false nothing is put there."""

    def __init__(self, inner: SharedCache, progress: Progress, *, write: bool) -> None:
        self._inner, self._progress, self._write = inner, progress, write
        self._lock, self._well = Lock(), True

    def find(self, key: Digest) -> StepRun | None:
        """A step with this key; none after something failed."""
        if not self._well:
            return None
        try:
            return self._inner.find(key)
        except SealiftError as error:
            self._give_up(error)
            return None

    def offer(self, step: StepRun) -> None:
        """Put a finished step there, as long as nothing failed."""
        if not (self._well and self._write):
            return
        try:
            self._inner.offer(step)
        except SealiftError as error:
            self._give_up(error)

    def _give_up(self, error: SealiftError) -> None:
        with self._lock:
            if self._well:
                self._well = False
                self._progress.say(f"The shared cache is left aside: {error.what} {error.where}")


__all__ = ["PatientCache"]
