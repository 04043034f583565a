"""What a step wrote in a cluster comes back: checked by digest, and put where it is looked for."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Sequence
from pathlib import Path

from sealift import clock
from sealift.adapters.engines.kubernetes_image import Images
from sealift.adapters.registries import crowd
from sealift.adapters.registries.client import PUSH, Client
from sealift.adapters.registries.pull import bring as fetch
from sealift.adapters.stores.trees import remove, unpack_tree
from sealift.errors import IntegrityError, NotFoundError, RegistryError
from sealift.kubernetes.porter import PATH
from sealift.ports import Store
from sealift.record.container import Mount
from sealift.types import Digest


def bring(
    images: Images, name: str, manifest: Digest, mounts: Sequence[Mount], store: Store
) -> None:
    """Bring the outputs of a step and unpack them into the sources of its writable mounts.

    They lie in the registry as ``name`` and have this manifest; both the manifest and what it names
    are checked. Afterwards they are removed there, where that is allowed. Raises what registries
    raise, and ``IntegrityError`` for content that is not what the step's side sent.
    """
    with Client(images.outputs(name), PUSH, images.access) as client:
        found = client.manifests.get(manifest)
        fetch(found.links.blobs, store, client, crowd.Gauge("outputs", None))
        for layer in found.links.layers or ():
            place((layer.annotations or {}).get(PATH, ""), layer.digest, mounts, store)
        with contextlib.suppress(RegistryError, NotFoundError):
            client.manifests.delete(manifest)


def place(path: str, content: Digest, mounts: Sequence[Mount], store: Store) -> None:
    """Unpack the tree that a step wrote to a path into the source of its mount."""
    target = _place(path, mounts)
    part = target.with_name(f".{target.name}-{clock.token(8)}")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with store.open(content) as stream:
            unpack_tree(stream, part, path)
        if target.is_dir() and not target.is_symlink() and part.is_dir():
            _replaced(target, part)  # the folder of a mount stays the one that it is
        else:
            remove(target)
            part.rename(target)
    finally:
        remove(part)


def _replaced(target: Path, part: Path) -> None:
    for old in list(target.iterdir()):
        remove(old)
    for new in list(part.iterdir()):
        shutil.move(new, target / new.name)


def _place(path: str, mounts: Sequence[Mount]) -> Path:
    """Where a path of the container lies here; raises ``IntegrityError`` for one not asked for."""
    for one in sorted(mounts, key=lambda one: len(one.target), reverse=True):
        if one.writable and (path == one.target or path.startswith(f"{one.target}/")):
            inner = path[len(one.target) :].strip("/")
            if ".." not in inner.split("/"):
                return Path(one.source) / inner if inner else Path(one.source)
    raise IntegrityError("The outputs of a step hold something that was not asked for.", where=path)


__all__ = ["bring", "place"]
