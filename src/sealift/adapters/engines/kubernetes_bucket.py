"""Inputs of a step on their way to a bucket, and its outputs from there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from sealift.adapters.caches.checkpoints import Checkpoints
from sealift.adapters.caches.objects import Objects
from sealift.adapters.caches.team import TeamCache
from sealift.adapters.engines.kubernetes_back import place
from sealift.errors import IntegrityError, NotFoundError
from sealift.ports import Store
from sealift.record.container import Mount
from sealift.types import Digest


class Carrier:
    """Contents between a ``store`` and ``objects``: each under its digest, as in a team's cache."""

    def __init__(self, objects: Objects, store: Store) -> None:
        self._contents = TeamCache(objects, store)
        self._checkpoints = Checkpoints(objects)
        self._store = store

    def sent(self, mounts: Sequence[Mount]) -> dict[str, Digest]:
        """The contents of mounts by their targets; all are in the bucket then."""
        trees = {one.target: self._store.put_tree(Path(one.source)) for one in mounts}
        for tree in sorted(set(trees.values())):
            self._contents.send(tree)
        return trees

    def bring(self, outputs: Digest, mounts: Sequence[Mount]) -> None:
        """Put outputs into the sources of writable mounts; ``outputs`` is the digest of their list.

        Raises ``NotFoundError`` for what is not there, ``IntegrityError`` for what is not what the
        step's side left.
        """
        self._fetch(outputs)
        with self._store.open(outputs) as stream:
            content = stream.read()
        try:
            found = msgspec.json.decode(content, type=dict[str, Digest])
        except msgspec.DecodeError as error:
            raise IntegrityError("The list of a step's outputs is none.", where=outputs) from error
        for path, tree in found.items():
            self._fetch(tree)
            place(path, tree, mounts, self._store)

    def drop(self, key: str) -> None:
        """Remove what was kept of a step that is done."""
        self._checkpoints.drop(Digest(key))

    def _fetch(self, content: Digest) -> None:
        if not self._contents.bring(content):
            raise NotFoundError(
                "What a step left in the bucket is not there any more.",
                where=content,
                remedy="Run `sealift train` again; give a rule that empties the bucket more time.",
            )


__all__ = ["Carrier"]
