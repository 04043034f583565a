"""What a run would do, before it does it."""

from __future__ import annotations

from typing import Literal

import msgspec

from sealift.record.container import Cards
from sealift.types import Digest, Scalar

Action = Literal["cached", "runs", "waits", "skipped"]


class Foreseen(msgspec.Struct, frozen=True, kw_only=True):
    """One step: whether it would be taken from the cache, run, be skipped, or waits for others.

    A step that waits runs unless they write what they wrote before. ``key`` is the digest of all
    that decides its outputs, empty while that is not known.
    """

    name: str
    action: Action
    because: str
    command: str
    params: dict[str, Scalar] = {}
    needs: tuple[str, ...] = ()
    gpus: Cards = 0
    key: Digest = Digest("")


__all__ = ["Action", "Foreseen"]
