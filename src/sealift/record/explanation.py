"""What is in an image, how large it is, and what changed since the one before."""

from __future__ import annotations

from typing import Literal

import msgspec

from sealift.types import Digest


class LayerStory(msgspec.Struct, frozen=True, kw_only=True):
    """A layer, compared with that of the same name in the image before.

    ``size`` is what is stored and sent, ``unpacked`` what its files take, both in bytes.
    ``because`` says what changed in it, a line a package.
    """

    layer: str
    digest: Digest
    size: int
    unpacked: int
    state: Literal["same", "changed", "new"]
    because: tuple[str, ...] = ()


class Package(msgspec.Struct, frozen=True, kw_only=True):
    """A package in an image, and the bytes that its files take."""

    name: str
    layer: str
    unpacked: int


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """An image explained; ``since`` is the image that it was compared with, if there was one.

    ``gone`` are layers of that image which this one has no more. ``packages`` are in order of
    their sizes, the largest first.
    """

    image: Digest
    since: Digest | None
    layers: tuple[LayerStory, ...]
    gone: tuple[str, ...]
    packages: tuple[Package, ...]

    @property
    def size(self) -> int:
        """Bytes of all layers, as they are stored and sent."""
        return sum(one.size for one in self.layers)

    @property
    def unpacked(self) -> int:
        """Bytes of all files."""
        return sum(one.unpacked for one in self.layers)

    @property
    def fresh(self) -> int:
        """Bytes of the layers that the image before does not have."""
        return sum(one.size for one in self.layers if one.state != "same")


__all__ = ["Explanation", "LayerStory", "Package"]
