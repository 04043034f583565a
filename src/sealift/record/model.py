"""A version of the model in the registry."""

from __future__ import annotations

import msgspec

from sealift.record.contract import Contract
from sealift.record.launch import OWN, Launch
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


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a model comes from that no run gave: an image of others, brought in as it is.

    ``reference`` is what its user called it, ``image`` the digest of its manifest, ``served`` the
    name under which its server knows the model, and ``launch`` how that server is started.
    """

    reference: str
    image: Digest
    served: str
    launch: Launch


class Pull(msgspec.Struct, frozen=True, kw_only=True):
    """Where a model was pulled from, and what it is called there."""

    reference: str
    digest: Digest
    name: str
    version: int


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """What a run produced, or an image that was brought in, under a number never given out again.

    ``digest`` addresses the model's artifact in the store (ModelPack format): weights, contract,
    reference profile and golden vectors as layers. ``content`` is the digest of those files
    without the version, so that the same model is recognised when it is trained again. Either
    ``run`` or ``origin`` says where it comes from; the artifact of a model that was brought in
    holds no weights, which are in its image, and no profile. ``conversion`` is None for a
    model that its step wrote as ONNX. ``pulled`` is None for a model of this project's own.
    """

    name: str
    version: int
    digest: Digest
    content: Digest
    run: str | None = None
    origin: Origin | None = None
    created: float
    task: str
    metrics: dict[str, float]
    contract: Contract
    comment: str = ""
    conversion: Conversion | None = None
    pulled: Pull | None = None

    @property
    def launch(self) -> Launch:
        """How its server is started."""
        return self.origin.launch if self.origin else OWN


__all__ = ["Conversion", "Model", "Origin", "Pull"]
