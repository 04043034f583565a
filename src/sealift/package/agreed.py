"""Layers as the lock says that they came out: compared when made, brought when they cannot be."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from sealift.errors import OfflineError, PackageError, SourceError
from sealift.package.layer import Part, Role, reused
from sealift.package.shelf import Shelves
from sealift.ports import Depot, Progress, Store
from sealift.record.image import Layer
from sealift.record.lock import Locks, Result, Variant
from sealift.types import Digest


class Agreed:
    """A shelf that knows what the lock says of its layers.

    Layers whose packages are gone are brought from the ``depot`` by the digests in the lock.
    ``results`` are what was made; the lock does not say all of it yet.
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
        self._known = {one.key: one.layers for one in locks.results}
        self._variant = variant
        self._store = store
        self._depot = depot
        self._talk = talk
        self.results: list[Result] = []

    def layers(self, role: Role, key: Digest, make: Callable[[], Iterable[Part]]) -> list[Layer]:
        """The layers of a role: from the shelf, else as the lock says, from the depot.

        Raises what making them raises when the depot does not have them either.
        """
        try:
            made = self._shelf.layers(role, key, make)
        except (SourceError, OfflineError, PackageError) as error:
            found = self._known.get(key, ())
            if not self._brought(found):
                raise
            self._talk.say(
                f"The {role} layer is taken as sealift.lock names it. {error.what.splitlines()[0]}"
            )
            return [reused(one) for one in found]
        self._compare(role, key, made)
        plain = tuple(msgspec.structs.replace(one, reused=False) for one in made)
        self.results.append(
            Result(
                platform=self._variant.platform,
                accelerator=self._variant.accelerator,
                role=role,
                key=key,
                layers=plain,
            )
        )
        return made

    def _brought(self, layers: tuple[Layer, ...]) -> bool:
        if not layers:
            return False
        blobs = [one.descriptor for one in layers]
        if all(self._store.has(blob.digest) for blob in blobs):
            return True
        return self._depot is not None and self._depot.bring(blobs, self._store)

    def _compare(self, role: Role, key: Digest, made: list[Layer]) -> None:
        """Say it when the same packages came out as other bytes than on another machine."""
        known = self._known.get(key)
        if known and [one.diff_id for one in known] != [one.diff_id for one in made]:
            self._talk.say(
                f"The {role} layer came out different from what sealift.lock says, although it was "
                "made from the same packages: `sealift package --verify` shows the files."
            )


__all__ = ["Agreed"]
