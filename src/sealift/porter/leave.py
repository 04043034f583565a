"""Leaving what a step wrote in a bucket: ``leave OUTPUTS`` says the digest of their list."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from sealift import digest, process
from sealift.adapters.caches.bucket import Bucket
from sealift.adapters.caches.objects import blob_name
from sealift.kubernetes.porter import Sending
from sealift.porter.boxes import boxed
from sealift.porter.shelf import opened, patiently
from sealift.porter.telling import telling
from sealift.types import Digest


def main(arguments: Sequence[str]) -> int:
    """Leave the outputs that the first argument tells of; the exit status."""
    return telling(lambda: leave(msgspec.json.decode(arguments[0], type=Sending)))


def leave(sending: Sending) -> str:
    """Leave what is there of the outputs; the digest of a list of their digests by path.

    Raises ``MachineError`` for a bucket that is not reached for long, and ``DataError`` for what
    no tree can hold.
    """
    bucket = opened(sending.bucket)
    found: dict[str, Digest] = {}
    for path, box in boxed(sending):
        found[path] = _left(bucket, box, digest.of_file(box))
    content = msgspec.json.encode(found)
    return _left(bucket, content, digest.of_bytes(content))


def _left(bucket: Bucket, content: bytes | Path, address: Digest) -> Digest:
    patiently(lambda: bucket.put(blob_name(address), content, replace=False))
    return address


if __name__ == "__main__":
    process.exit_now(main(sys.argv[1:]))


__all__ = ["leave", "main"]
