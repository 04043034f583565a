"""Laying out what lies in a bucket, where a step will find it: ``fetch PLAN``."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from sealift import process
from sealift.adapters.caches.bucket import Bucket
from sealift.adapters.caches.checkpoints import Checkpoints
from sealift.adapters.stores.trees import remove
from sealift.kubernetes.porter import INPUTS, Laying
from sealift.porter.probe import probing
from sealift.porter.shelf import opened, unpacked
from sealift.porter.telling import telling
from sealift.types import Digest

ARRIVING = ".arriving"
READY = "ready"
"""An object that says nothing: keys that may only read are told before the step, not after it."""


def main(arguments: Sequence[str]) -> int:
    """Lay out the plan that the first argument is; the exit status."""
    return telling(lambda: fetch(msgspec.json.decode(arguments[0], type=Laying)))


def fetch(plan: Laying) -> str:
    """Lay everything out, checkpoints that were kept first; what was found of the network."""
    with probing(plan.probed) as found:
        bucket = opened(plan.bucket)
        bucket.put(READY, b"", replace=True)
        resumed = set(_resumed(plan, bucket)) if plan.kept.parts else set()
        for one in plan.laid:
            if one.target in resumed or (one.lasting and os.path.lexists(one.target)):
                continue
            writable = not one.target.startswith(f"{INPUTS}/")
            unpacked(bucket, one.tree, Path(one.target), writable=writable)
    return found()


def _resumed(plan: Laying, bucket: Bucket) -> Iterator[str]:
    """Put in place what was kept of the step; the folders that are filled so."""
    arriving = Path(next(iter(plan.kept.parts.values()))).with_name(ARRIVING)
    remove(arriving)
    if not Checkpoints(bucket).resume(Digest(plan.kept.key), arriving):
        return
    for name, target in plan.kept.parts.items():
        if (arriving / name).is_dir():
            remove(Path(target))
            (arriving / name).rename(target)
            yield target
    remove(arriving)


if __name__ == "__main__":
    process.exit_now(main(sys.argv[1:]))


__all__ = ["fetch", "main"]
