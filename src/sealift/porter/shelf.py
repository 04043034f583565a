"""The bucket as porters see it: contents by their digests."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import BinaryIO, TypeVar, cast

from sealift import clock, digest
from sealift.adapters.caches.bucket import Bucket
from sealift.adapters.caches.objects import Purpose, blob_name
from sealift.adapters.stores.trees import remove, unpack_tree
from sealift.errors import IntegrityError, MachineError, NotFoundError
from sealift.porter.roads import network
from sealift.record.bucket import BucketPlace
from sealift.types import Digest

T = TypeVar("T")
PURPOSE = Purpose(
    what="The bucket of the steps",
    remedy="See store in the environment: bucket, endpoint, region, and what the Secret holds.",
)
AGAIN = 120.0
"""Seconds for which what a step wrote is tried to be left in a bucket that is away."""


def opened(place: BucketPlace | None) -> Bucket:
    """The bucket of a plan."""
    assert place is not None
    return Bucket(place, network(), PURPOSE)


def unpacked(bucket: Bucket, tree: Digest, target: Path, *, writable: bool) -> None:
    """Bring a tree and unpack it at ``target``, wholly or not at all.

    Raises ``NotFoundError`` where it is not there, ``IntegrityError`` where it is another one.
    """
    stream = bucket.open(blob_name(tree))
    if stream is None:
        raise NotFoundError(
            "An input of the step is not in the bucket any more.",
            where=tree,
            remedy="Run `sealift train` again, which puts it there.",
        )
    part = target.with_name(f"{target.name}.part")
    remove(part)
    with stream, NamedTemporaryFile(dir=target.parent, prefix=".tar-") as file:
        shutil.copyfileobj(stream, file, 1 << 20)
        file.flush()
        if digest.of_file(Path(file.name)) != tree:
            raise IntegrityError("An input of the step was damaged in the bucket.", where=tree)
        file.seek(0)
        unpack_tree(cast("BinaryIO", file), part, tree)
    if writable:
        _open_up(part)
    remove(target)
    part.rename(target)


def _open_up(root: Path) -> None:
    """Let the step write what was unpacked."""
    found = [root] if root.is_file() else []
    found += [Path(parent, name) for parent, _, files in os.walk(root) for name in files]
    for path in found:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | 0o200)


def patiently(work: Callable[[], T]) -> T:
    """What work gives on a bucket that may be away for a while."""
    ends = clock.monotonic() + AGAIN
    while True:
        try:
            return work()
        except MachineError:
            if clock.monotonic() > ends:
                raise
            clock.sleep(5.0)


__all__ = ["opened", "patiently", "unpacked"]
