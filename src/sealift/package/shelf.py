"""Layers made before, found again by the digest of what they were made from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec

from sealift import digest
from sealift.archive import Entry
from sealift.package import layer
from sealift.package.layer import Part, Role
from sealift.package.notes import Notes
from sealift.ports import Progress, Store
from sealift.record.image import Layer
from sealift.types import Digest


class Source(NamedTuple):
    """What layers are made of, and the code that makes them: the digest of either."""

    content: Digest
    code: Digest | None = None

    @property
    def key(self) -> Digest:
        """The digest of both: other code, other layers."""
        return digest.of_json([self.content, self.code])


class Shelves(Protocol):
    """Where layers come from."""

    def layers(self, role: Role, source: Source, make: Callable[[], Iterable[Part]]) -> list[Layer]:
        """The layers of what ``source`` stands for; ``make`` gives their parts."""
        ...


Witness = Callable[[Layer, Sequence[Entry]], None]
"""Who looks at the entries of a new layer while they are at hand."""


class Made(msgspec.Struct, frozen=True):
    """A note on what came of making something: one layer or several."""

    layers: tuple[Layer, ...]


class Shelf:
    """Notes in the folder ``notes`` on the layers in a store.

    A note counts only while the store holds its layers, so that losing either costs time alone.
    Each of ``witnesses`` sees what a new layer is made of.
    """

    def __init__(
        self, store: Store, notes: Path, progress: Progress, witnesses: Sequence[Witness] = ()
    ) -> None:
        self._store = store
        self._notes = Notes(notes)
        self._progress = progress
        self._witnesses = witnesses

    def layers(self, role: Role, source: Source, make: Callable[[], Iterable[Part]]) -> list[Layer]:
        """The layers that were made from ``source``, or new ones of the parts ``make`` gives."""
        key = source.key
        if (found := self._noted(key, role)) is not None:
            self._progress.step(f"{role} layer", "unchanged")
            return [layer.reused(one) for one in found]
        self._progress.step(f"{role} layer", "building")
        made = tuple(self._write(role, part) for part in make())
        self._notes.put(key, Made(made))
        size = readable(sum(one.descriptor.size for one in made))
        several = f" in {len(made)} layers" if len(made) > 1 else ""
        self._progress.step(f"{role} layer", f"built, {size}{several}")
        return list(made)

    def _write(self, role: Role, part: Part) -> Layer:
        one = layer.write(self._store, role, part)
        for look in self._witnesses:
            look(one, part.entries)
        return one

    def _noted(self, key: Digest, role: Role) -> tuple[Layer, ...] | None:
        """The layers that a note names, maybe none; None without a note, or where one is gone."""
        if not (found := self._notes.get(key, Made)):
            return None
        layers = found.layers
        there = all(one.role == role and self._store.has(one.descriptor.digest) for one in layers)
        return layers if there else None


def readable(size: int) -> str:
    """Bytes for people.

    >>> readable(1_234_567), readable(2_345)
    ('1.2 MB', '2 kB')
    """
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.0f} kB"


__all__ = ["Shelf", "Shelves", "Source", "Witness", "readable"]
