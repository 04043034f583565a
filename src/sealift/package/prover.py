"""Proving images before they are kept, and remembering what was proven of which layers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import msgspec

from sealift import digest
from sealift.archive import Entry
from sealift.errors import IntegrityError
from sealift.package import closure, elf, filetree, inventory, ldcache, linker, outside, shortfall
from sealift.package.filetree import FileTree
from sealift.package.inventory import Inventory
from sealift.package.notes import Notes
from sealift.ports import Progress, Store
from sealift.record.image import Layer
from sealift.record.image_settings import ImageSettings
from sealift.record.lock import Foundation
from sealift.types import Digest, Json


class Passed(msgspec.Struct, frozen=True):
    """A note on layers that passed together, with the number of files looked at."""

    files: int


class Prover:
    """Proves images of layers in a store; notes on the past lie in the folder ``notes``.

    Losing the notes costs time alone. A refusal is not noted, the inventories of its layers are.
    """

    def __init__(self, store: Store, notes: Path, progress: Progress) -> None:
        self._store = store
        self._notes = Notes(notes)
        self._progress = progress

    def require(
        self,
        image: str,
        platform: str,
        layers: Sequence[Layer],
        settings: ImageSettings,
        founded: Foundation | None = None,
    ) -> None:
        """Raises ``PackageError`` that lists what an image of these layers could not load.

        Layers of models are passed over: they hold nothing that a linker reads. Nothing is judged
        on a platform that is not known. What is in the layers of a base is taken as it is, but
        for its interpreter.
        """
        machine = linker.MACHINES.get(platform)
        if machine is None:
            return
        judged = [layer for layer in layers if layer.role != "model"]
        # other code in a layer changes nothing that a linker reads: its inventory stays the same
        held: list[Json] = [self._mark(layer) for layer in judged]
        told: list[Json] = [founded.python, len(founded.layers)] if founded else []
        key = digest.of_json([_recipe(), platform, held, list(settings.absent), told])
        if self._notes.get(key, Passed):
            self._progress.step("libraries", "unchanged")
            return
        self._progress.step("libraries", "running")
        taken = self._taken(founded) if founded else set[str]()
        proof = closure.prove(self.tree(judged), machine, settings.absent, taken)
        if proof.findings:
            raise shortfall.refusal(
                image, proof.findings, settings.debian, founded=founded is not None
            )
        self._notes.put(key, Passed(proof.files))
        self._progress.step("libraries", f"{proof.files} files, all can be loaded")

    def _taken(self, founded: Foundation) -> set[str]:
        below = self.tree(founded.layers)
        return {*below.elves, *below.damaged} - {founded.python}

    def tree(self, layers: Sequence[Layer]) -> FileTree:
        """The files of layers laid over each other. Raises ``IntegrityError`` for a damaged one."""
        return FileTree([self._inventory(layer) for layer in layers])

    def note(self, layer: Layer, entries: Iterable[Entry]) -> None:
        """Note the inventory of a layer of these entries, which then need not be read again."""
        self._notes.put(_key(layer), inventory.of_entries(entries))

    def _mark(self, layer: Layer) -> str:
        """The digest of a layer's inventory."""
        key = _key(layer)
        if self._notes.mark(key) is None:
            self._inventory(layer)
        return str(self._notes.mark(key))

    def _inventory(self, layer: Layer) -> Inventory:
        key = _key(layer)
        if found := self._notes.get(key, Inventory):
            return found
        self._notes.folder.mkdir(parents=True, exist_ok=True)
        descriptor = layer.descriptor
        try:
            with self._store.open(descriptor.digest) as blob:
                made = inventory.take(blob, descriptor.media_type, self._notes.folder)
        except IntegrityError as error:
            raise IntegrityError(
                error.what,
                where=descriptor.digest,
                remedy="Delete the folder .sealift/layers; then the layer is made again.",
            ) from error
        self._notes.put(key, made)
        return made


def _key(layer: Layer) -> Digest:
    return digest.of_json(["inventory", _recipe(), str(layer.descriptor.digest)])


@cache
def _recipe() -> Digest:
    """The digest of the code that judges: other code, other judgements."""
    makers = (closure, elf, filetree, inventory, ldcache, linker, outside)
    return digest.of_json([digest.of_file(Path(module.__file__ or "")) for module in makers])


__all__ = ["Prover"]
