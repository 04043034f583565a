"""Layers made before, found again by the digest of what they were made from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from sealift.archive import Entry
from sealift.package import layer
from sealift.package.layer import Role
from sealift.package.notes import Notes
from sealift.ports import Progress, Store
from sealift.record.image import Layer
from sealift.types import Digest


class Shelf:
    """Notes in the folder ``notes`` on the layers in a store.

    A note counts only while the store holds its layer, so that losing either costs time alone.
    """

    def __init__(self, store: Store, notes: Path, progress: Progress) -> None:
        self._store = store
        self._notes = Notes(notes)
        self._progress = progress

    def layer(self, role: Role, key: Digest, make: Callable[[], Iterable[Entry]]) -> Layer:
        """The layer that was made from ``key``, or a new one of the entries that ``make`` gives."""
        if found := self._noted(key, role):
            self._progress.step(f"{role} layer", "unchanged")
            return layer.reused(found)
        self._progress.step(f"{role} layer", "building")
        made = layer.write(self._store, role, make())
        self._notes.put(key, made)
        self._progress.step(f"{role} layer", f"built, {_readable(made.descriptor.size)}")
        return made

    def _noted(self, key: Digest, role: Role) -> Layer | None:
        found = self._notes.get(key, Layer)
        fits = found and found.role == role and self._store.has(found.descriptor.digest)
        return found if fits else None


def _readable(size: int) -> str:
    """Bytes for people.

    >>> _readable(1_234_567), _readable(2_345)
    ('1.2 MB', '2 kB')
    """
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.0f} kB"


__all__ = ["Shelf"]
