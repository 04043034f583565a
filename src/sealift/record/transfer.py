"""What went over the network to a registry."""

from __future__ import annotations

import msgspec

from sealift.types import Digest


class Pushed(msgspec.Struct, frozen=True, kw_only=True):
    """A push: where to, and what the registry had already.

    ``referrers`` counts the reports and signatures that went along, ``manifests`` those that were
    sent of all kinds.
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


__all__ = ["Pushed"]
