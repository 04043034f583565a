"""What left the store: over the network to a registry, or as a file."""

from __future__ import annotations

import msgspec

from sealift.types import Digest


class Pushed(msgspec.Struct, frozen=True, kw_only=True):
    """A push: where to, and what the registry had already.

    ``referrers`` counts the reports and signatures that went along, ``manifests`` those that were
    sent of all kinds. ``beside`` are the further tags and what they name.
    """

    reference: str
    digest: Digest
    sent_blobs: int
    sent_bytes: int
    mounted_blobs: int
    skipped_blobs: int
    skipped_bytes: int
    manifests: int
    referrers: int
    beside: dict[str, Digest] = {}


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """An image in a file: which, what it is called when it is loaded, and the bytes of the file."""

    file: str
    image: Digest
    platform: str
    name: str
    size: int


__all__ = ["Pushed", "Saved"]
