"""Layers as the lock says that they came out: compared when made, brought when they cannot be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from sealift.errors import OfflineError, PackageError, SourceError
from sealift.package.layer import Part, Role, reused
from sealift.package.shelf import Shelves, Source
from sealift.ports import Depot, Progress, Store
from sealift.record.image import Layer
from sealift.record.lock import Locks, Result, Variant
from sealift.types import Digest


class Agreed:
    """A shelf that knows what the lock says of its layers.

    Layers whose packages are gone are brought from the ``depot`` by the digests in the lock,
    whichever version of Sealift made them. ``results`` are what was made and the lock does not say
    yet.
    """

    def __init__(
        self,
        shelf: Shelves,
        locks: Locks,
        variant: Variant,
        store: Store,
        depot: Depot | None,
        talk: Progress,
    ) -> None:
        self._shelf = shelf
        self._known = {one.key: one for one in locks.results}
        self._told = {(one.platform, one.accelerator, one.role): one for one in locks.results}
        self._variant = variant
        self._store = store
        self._depot = depot
        self._talk = talk
        self.results: list[Result] = []

    def layers(self, role: Role, source: Source, make: Callable[[], Iterable[Part]]) -> list[Layer]:
        """The layers of a role: from the shelf, else as the lock says, from the depot.

        Raises what making them raises when the depot does not have them either.
        """
        known = self._known.get(source.content)
        try:
            made = self._shelf.layers(role, source, make)
        except (SourceError, OfflineError, PackageError) as error:
            if known is None or not self._brought(known.layers):
                raise
            self._talk.say(
                f"The {role} layer is taken as sealift.lock names it. {error.what.splitlines()[0]}"
            )
            return [reused(one) for one in known.layers]
        if known is not None and known.code == source.code:
            self._compare(role, known.layers, made)
        self._note(role, source, made)
        return made

    def _note(self, role: Role, source: Source, made: list[Layer]) -> None:
        """Note what was made, unless the lock says so, by whichever version that was."""
        platform, accelerator = self._variant.platform, self._variant.accelerator
        told = self._told.get((platform, accelerator, role))
        same = told is not None and told.key == source.content
        if told is None or not same or _digests(told.layers) != _digests(made):
            result = Result(
                platform=platform,
                accelerator=accelerator,
                role=role,
                key=source.content,
                code=source.code,
                layers=tuple(msgspec.structs.replace(one, reused=False) for one in made),
            )
            self.results.append(result)

    def _brought(self, layers: tuple[Layer, ...]) -> bool:
        blobs = [one.descriptor for one in layers]
        if all(self._store.has(blob.digest) for blob in blobs):
            return True
        return self._depot is not None and self._depot.bring(blobs, self._store)

    def _compare(self, role: Role, known: Sequence[Layer], made: Sequence[Layer]) -> None:
        """Say it when the same packages came out as other bytes than on another machine."""
        if [one.diff_id for one in known] != [one.diff_id for one in made]:
            self._talk.say(
                f"The {role} layer came out different from what sealift.lock says, although it was "
                "made from the same packages: `sealift package --verify` shows the files."
            )


def _digests(layers: Iterable[Layer]) -> list[Digest]:
    return [one.descriptor.digest for one in layers]


__all__ = ["Agreed"]
