"""A version of the model in the registry."""

from __future__ import annotations

import msgspec

from sealift.record.contract import Contract
from sealift.types import Digest


class Conversion(msgspec.Struct, frozen=True, kw_only=True):
    """How a model of another framework became ONNX.

    ``file`` is the original's name in the step's output, ``form`` what it is, ``digest`` that of
    its bytes; it is in no image. ``tools`` are the converters with their versions. On ``rows``
    rows of the table, and on the golden vectors, both models gave the same answers: no two differ
    by more than ``worst``, where ``tolerance`` is allowed, relative to their size.
    """

    file: str
    form: str
    digest: Digest
    tools: dict[str, str]
    rows: int
    tolerance: float
    worst: float


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """What a run produced, under a number that is never given out again.

    ``digest`` addresses the model's artifact in the store (ModelPack format): weights, contract,
    reference profile and golden vectors as layers. ``content`` is the digest of those files
    without the version, so that the same model is recognised when it is trained again.
    ``conversion`` is None for a model that its step wrote as ONNX.
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
    conversion: Conversion | None = None
