"""An image with further layers on top of another one's.

Source: image-spec 1.1, config.md: every layer is in ``rootfs.diff_ids``, and in ``history`` where
there is one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import msgspec

from sealift import clock, digest
from sealift.errors import IntegrityError
from sealift.ports import Store
from sealift.record.image import CONFIG, LAYER, MANIFEST, Descriptor, Manifest
from sealift.types import Digest, Json


def stack(
    store: Store,
    base: Digest,
    layers: Sequence[Descriptor],
    *,
    what: str,
    env: Mapping[str, str] | None = None,
) -> Digest:
    """Put plain tars on top of an image, and variables into its environment; the new manifest.

    ``what`` is said of the layers in the image's history. Equal content gives an equal digest.
    """
    below = store.manifest(base)
    told = configuration(store, base)
    rootfs, history = told.get("rootfs"), told.get("history")
    if not isinstance(rootfs, dict) or not isinstance(rootfs.get("diff_ids"), list):
        raise IntegrityError("The configuration of the image names no layers.", where=base)
    assert all(one.media_type == LAYER for one in layers)
    known = rootfs["diff_ids"]
    assert isinstance(known, list)
    rootfs["diff_ids"] = [*known, *(one.digest for one in layers)]
    if isinstance(history, list):
        line: Json = {"created": clock.stamp(clock.EPOCH), "created_by": f"sealift: {what}"}
        told["history"] = [*history, *(line for _ in layers)]
    if env:
        settings = told.get("config")
        held = settings if isinstance(settings, dict) else {}
        before = held.get("Env")
        kept = [
            one
            for one in (before if isinstance(before, list) else [])
            if str(one).partition("=")[0] not in env
        ]
        added: list[Json] = [f"{name}={value}" for name, value in sorted(env.items())]
        told["config"] = {**held, "Env": [*kept, *added]}
    manifest = Manifest(
        config=store.put(digest.canonical(told), CONFIG), layers=(*below.layers, *layers)
    )
    return store.put(digest.canonical(msgspec.to_builtins(manifest)), MANIFEST).digest


def configuration(store: Store, image: Digest) -> dict[str, Json]:
    """What an image says of itself; raises ``IntegrityError`` where that cannot be read."""
    address = store.manifest(image).config.digest
    with store.open(address) as blob:
        raw = blob.read()
    try:
        return msgspec.json.decode(raw, type=cast("type[dict[str, Json]]", dict))
    except msgspec.DecodeError as error:
        raise IntegrityError(
            f"The configuration of the image is not readable: {error}.",
            where=address,
            remedy="Build the image again with `sealift package`.",
        ) from error


__all__ = ["configuration", "stack"]
