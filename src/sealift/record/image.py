"""OCI images as records (image-spec 1.1: descriptor, manifest, configuration)."""

from __future__ import annotations

from typing import Literal

import msgspec

from sealift.types import Digest

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
LAYER_ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd"
WHEEL = "application/vnd.sealift.wheel.v1+zip"
LOCK = "application/vnd.sealift.lock.v2+json"
EMPTY = "application/vnd.oci.empty.v1+json"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
MODEL_MANIFEST = "application/vnd.cncf.model.manifest.v1+json"
MODEL_CONFIG = "application/vnd.cncf.model.config.v1+json"


class Descriptor(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A pointer to content: what it is, its digest and its size in bytes."""

    media_type: str
    digest: Digest
    size: int
    annotations: dict[str, str] | None = None
    artifact_type: str | None = None
    platform: dict[str, str] | None = None


class Manifest(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """An image manifest: a configuration and layers, or any artifact in that form.

    ``schemaVersion`` is written although it is the default, as the specification demands.
    """

    schema_version: int = msgspec.field(default_factory=lambda: 2)
    media_type: str = msgspec.field(default_factory=lambda: MANIFEST)
    artifact_type: str | None = None
    config: Descriptor
    layers: tuple[Descriptor, ...]
    subject: Descriptor | None = None
    annotations: dict[str, str] | None = None


class Index(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """An image index: manifests, of which a runtime takes the first for its platform."""

    schema_version: int = msgspec.field(default_factory=lambda: 2)
    media_type: str = msgspec.field(default_factory=lambda: INDEX)
    manifests: tuple[Descriptor, ...]
    annotations: dict[str, str] | None = None


def platform_of(text: str) -> dict[str, str]:
    """A platform such as ``linux/arm64`` as indexes spell it.

    >>> platform_of("linux/arm/v7")
    {'os': 'linux', 'architecture': 'arm', 'variant': 'v7'}
    """
    return dict(zip(("os", "architecture", "variant"), text.split("/"), strict=False))


Role = Literal[
    "base",
    "interpreter",
    "debian",
    "shell",
    "runtime",
    "spare",
    "packages",
    "server",
    "bytecode",
    "model",
    "brought",
]
"""What a layer is for."""


class Layer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A layer of an image: its blob, the digest of its uncompressed tar, and what it is for.

    ``holds`` names what is in it where the role does not tell: the one file of a model's layer.
    A layer of an image that was brought in has the role ``brought``, whatever is in it.
    """

    descriptor: Descriptor
    diff_id: Digest
    role: Role
    reused: bool = False
    holds: str = ""


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """An image in the store, as Sealift made it, or as others did who made one that serves.

    ``digest`` is that of its manifest; ``model`` the version it serves, or None for the image of
    the steps. ``lock`` is the digest of the lock that it was built from, None for an image that
    was brought in. ``bom`` and ``provenance`` are the signed documents beside an image that serves,
    as they were when it was packaged.
    """

    digest: Digest
    platform: str
    accelerator: str = "cpu"
    layers: tuple[Layer, ...]
    lock: Digest | None = None
    model: int | None
    created: float
    bom: Digest | None = None
    provenance: Digest | None = None
