"""The indexes of a packaged model: which manifests belong together, and what takes which of them.

A runtime takes the first manifest for its platform. In the index of a version these are the images
that serve; what else belongs to it has the platform ``unknown/unknown``, which no machine has. So
that a volume can be mounted by platform too, the mountable images have an index of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from sealift import digest
from sealift.errors import PackageError
from sealift.package.mountable import mountable, titles
from sealift.ports import Store
from sealift.record.image import (
    INDEX,
    MANIFEST,
    Descriptor,
    Image,
    Index,
    platform_of,
)
from sealift.types import Digest

FACE = "sealift.face"
"""The annotation that says what a manifest in an index is for: serving, volume or model."""
_NOWHERE = {"architecture": "unknown", "os": "unknown"}


class Faces(msgspec.Struct, frozen=True, kw_only=True):
    """A packaged model as registries and runtimes see it, every face over the same blobs.

    ``index`` ties all; ``volume`` is the index of the images that are mounted, ``model`` the
    ModelPack artifact. ``others`` are the indexes of the images that serve on other accelerators
    than those of ``index``, since a runtime chooses by platform alone.
    """

    index: Descriptor
    volume: Descriptor
    model: Descriptor
    others: dict[str, Descriptor] = {}

    def beside(self, tag: str) -> dict[str, Descriptor]:
        """What all but the index is called in a repository where ``tag`` is the index."""
        others = {f"{tag}-{name}": one for name, one in self.others.items()}
        return {f"{tag}-model": self.model, f"{tag}-volume": self.volume, **others}


def faces(store: Store, model: Digest, images: Sequence[Image]) -> Faces:
    """Write the indexes of a model and the images that serve it.

    The same model and images give the same digests, in whatever order they come. Raises
    ``PackageError`` for two images for one platform, or none.
    """
    notes = titles(store, model)
    # without its artifact type: tools older than that field drop it, and then the digest is wrong
    artifact = Descriptor(media_type=MANIFEST, digest=model, size=_size(store, model))
    mounted = mountable(store, model)
    serving: dict[str, list[Descriptor]] = {}
    for image in images:
        serving.setdefault(image.accelerator, []).append(_serving(store, image))
    # that of the processor, where there is one
    first = min(serving, key=lambda name: (name != "cpu", name), default="cpu")
    tied = {
        name: write(store, tie(found, mounted, artifact, notes))
        for name, found in (serving or {first: []}).items()
    }
    return Faces(
        index=tied.pop(first),
        volume=write(store, volume(mounted, notes)),
        model=artifact,
        others=tied,
    )


def _serving(store: Store, image: Image) -> Descriptor:
    return Descriptor(
        media_type=MANIFEST,
        digest=image.digest,
        size=_size(store, image.digest),
        platform=platform_of(image.platform),
    )


def tie(
    serving: Iterable[Descriptor],
    mounted: Iterable[Descriptor],
    model: Descriptor,
    notes: Mapping[str, str],
) -> Index:
    """The index of a version: what runs by platform, then what is mounted, then the artifact.

    ``serving`` and ``mounted`` have their platforms. Raises ``PackageError`` for two images that
    serve on one platform, or none.
    """
    running = sorted(serving, key=_platform)
    platforms = [_platform(one) for one in running]
    if not running or len(set(platforms)) < len(platforms):
        found = ", ".join("/".join(one) for one in platforms) or "none"
        raise PackageError(f"An index needs one image for each of its platforms, not: {found}.")
    children = [
        *(_child(one, "serving", one.platform) for one in running),
        *(_child(one, "volume", _NOWHERE) for one in sorted(mounted, key=_platform)),
        _child(model, "model", _NOWHERE),
    ]
    return Index(manifests=tuple(children), annotations=dict(sorted(notes.items())))


def volume(mounted: Iterable[Descriptor], notes: Mapping[str, str]) -> Index:
    """The index of the images that are mounted, by platform."""
    children = [_child(one, "volume", one.platform) for one in sorted(mounted, key=_platform)]
    return Index(manifests=tuple(children), annotations=dict(sorted(notes.items())))


def write(store: Store, index: Index) -> Descriptor:
    """Keep an index; its descriptor."""
    return store.put(digest.canonical(msgspec.to_builtins(index)), INDEX)


def _child(one: Descriptor, face: str, platform: dict[str, str] | None) -> Descriptor:
    return msgspec.structs.replace(one, annotations={FACE: face}, platform=platform)


def _platform(one: Descriptor) -> tuple[str, ...]:
    known = one.platform or {}
    return tuple(known[key] for key in ("os", "architecture", "variant") if key in known)


def _size(store: Store, manifest: Digest) -> int:
    with store.open(manifest) as stream:
        return len(stream.read())


__all__ = ["FACE", "Faces", "faces", "tie", "volume", "write"]
