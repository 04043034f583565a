"""An image and what came of making it again."""

from __future__ import annotations

from typing import Literal

import msgspec

from sealift.types import Digest


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """A layer: its digest in the image, and that of the layer made again (None: there is none).

    ``how`` tells whether it was made from packages, or taken as it is because they cannot be had
    (``because`` says why), or because it is part of the model, which training makes. ``differs``
    names files that are not the same, not all where there are many.
    """

    role: str
    image: Digest | None
    again: Digest | None
    how: Literal["made", "taken"] = "made"
    because: str = ""
    differs: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        """Whether both are the same bytes."""
        return self.image == self.again


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """An image made again from its lock: ``again`` is the digest of what came out.

    ``maker`` is the version of Sealift that made the image, empty where nothing tells of it.
    """

    image: Digest
    again: Digest
    platform: str
    lock: Digest
    layers: tuple[Compared, ...]
    maker: str = ""

    @property
    def same(self) -> bool:
        """Whether the image is the same, byte for byte."""
        return self.image == self.again


__all__ = ["Compared", "Comparison"]
