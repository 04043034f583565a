"""A version of the model in the registry."""

from __future__ import annotations

import msgspec

from sealift.record.contract import Contract
from sealift.types import Digest


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """What a run produced, under a number that is never given out again.

    ``digest`` addresses the model's artifact in the store (ModelPack format): weights, contract,
    reference profile and golden vectors as layers. ``content`` is the digest of those files
    without the version, so that the same model is recognised when it is trained again.
    """

    name: str
    version: int
    digest: Digest
    content: Digest
    run: str
    created: float
    task: str
    metrics: dict[str, float]
    contract: Contract
    comment: str = ""
