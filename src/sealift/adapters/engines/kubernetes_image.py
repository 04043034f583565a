"""The images of a step in a cluster: its own, and the porter's with the step's inputs.

An input is a layer, so that the nodes check its digest, keep it for other steps, and need nothing
but what they have for images anyway.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec

from sealift import archive
from sealift.adapters.engines.mounts import mounts
from sealift.adapters.registries.push import push
from sealift.adapters.registries.reference import Reference, parse
from sealift.adapters.registries.session import Access
from sealift.archive import Entry
from sealift.kubernetes.porter import GIVEN, key
from sealift.ports import Store
from sealift.record.container import ContainerSpec, Mount
from sealift.record.image import LAYER
from sealift.stacked import stack
from sealift.types import Digest


class Images:
    """What goes to the ``repository`` (HOST/NAME) that a cluster pulls from; safe for threads."""

    def __init__(self, store: Store, repository: str, porter: Digest, access: Access) -> None:
        self._store = store
        self.place = msgspec.structs.replace(parse(repository), tag="", digest="")
        self.porter = porter
        self.access = access
        self._sent: set[Digest] = set()
        self._lock = threading.Lock()

    def pushed(self, image: Digest) -> str:
        """A reference to an image by digest, which is in the registry then.

        Raises ``NotFoundError`` for one that is not in the store, and what registries raise.
        """
        self._store.manifest(image)
        with self._lock:  # what two steps share is sent once
            if image not in self._sent:
                named = msgspec.structs.replace(self.place, tag=f"step-{image[7:27]}")
                push(self._store, image, str(named), access=self.access)
                self._sent.add(image)
        return str(msgspec.structs.replace(self.place, digest=image))

    def laden(self, spec: ContainerSpec) -> Digest:
        """The porter with the content of all mounts, one layer each."""
        layers = [
            self._store.put(archive.Packed(_packed(one)), LAYER)
            for one in sorted(mounts(spec), key=lambda one: one.target)
        ]
        return stack(self._store, self.porter, layers, what="inputs of a step")

    def outputs(self, name: str) -> Reference:
        """Where the outputs of a step of this name lie for as long as it takes to bring them."""
        return msgspec.structs.replace(self.place, tag=name)


def _packed(mount: Mount) -> Iterator[Entry]:
    """A mount's content below the folder where the porter looks for it."""
    root, source = f"{GIVEN[1:]}/{key(mount.target)}", Path(mount.source)
    yield Entry(name=GIVEN[1:], kind="folder", mode=0o755)
    if not source.is_dir():
        yield archive.file_entry(root, source)
        return
    for one in archive.entries(source):
        name = root if one.name == "." else f"{root}/{one.name}"
        yield replace(one, name=name)


__all__ = ["Images"]
