"""A model as an image that a container runtime mounts as a volume: nothing in it runs.

Runtimes mount what has the configuration of an image and refuse other artifacts, so a model has a
second manifest over the blobs of its artifact. The files are the same on every processor, yet a
runtime takes images for its own platform only: hence one small manifest a platform.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from sealift import clock
from sealift.errors import IntegrityError
from sealift.package.artifact import model_layers
from sealift.package.image import write
from sealift.ports import Store
from sealift.record.image import Descriptor, Layer, platform_of
from sealift.types import Digest, Json

PLATFORMS = ("linux/amd64", "linux/arm64")


class _Card(msgspec.Struct, frozen=True):
    name: str
    version: str


class _Config(msgspec.Struct, frozen=True):
    descriptor: _Card


def mountable(
    store: Store, model: Digest, platforms: Sequence[str] = PLATFORMS
) -> tuple[Descriptor, ...]:
    """Write the manifests that let a model's artifact be mounted, one a platform.

    The same artifact gives the same manifests; no blob but their configurations is added. Raises
    ``IntegrityError`` when ``model`` is not the artifact of a model.
    """
    layers = model_layers(store, model)
    notes = titles(store, model)
    return tuple(
        msgspec.structs.replace(
            write(store, config(platform, layers), layers, notes), platform=platform_of(platform)
        )
        for platform in platforms
    )


def titles(store: Store, model: Digest) -> dict[str, str]:
    """The annotations that say which model an image or an index is of, from its artifact."""
    with store.open(store.manifest(model).config.digest) as stream:
        content = stream.read()
    try:
        card = msgspec.json.decode(content, type=_Config).descriptor
    except msgspec.MsgspecError as error:
        raise IntegrityError(
            f"The artifact of the model cannot be read: {error}.", where=model
        ) from error
    return {
        "org.opencontainers.image.title": card.name,
        "org.opencontainers.image.version": card.version,
        "sealift.model.digest": model,
    }


def config(platform: str, layers: Sequence[Layer]) -> dict[str, Json]:
    """The configuration of an image that is only mounted: files, and no program to start."""
    fields = platform_of(platform)
    created = clock.stamp(clock.EPOCH)
    return {
        **fields,
        "config": {},
        "created": created,
        "history": [
            {"created": created, "created_by": f"sealift: {layer.role} {layer.holds}"}
            for layer in layers
        ],
        "rootfs": {"diff_ids": [str(layer.diff_id) for layer in layers], "type": "layers"},
    }


__all__ = ["PLATFORMS", "config", "mountable", "titles"]
