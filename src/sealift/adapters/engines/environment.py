"""What the program in a container finds in its environment."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from sealift.errors import IntegrityError
from sealift.ports import Store
from sealift.record.container import ContainerSpec
from sealift.types import Digest

USER = 65532
"""The user and the group that every container runs as."""

DEFAULTS = {
    "HOME": "/tmp",  # noqa: S108 -- the container's own, empty and gone when it ends
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
}


class _Process(msgspec.Struct, frozen=True):
    Env: tuple[str, ...] | None = None


class _Configuration(msgspec.Struct, frozen=True):
    config: _Process | None = None


def environment(image: Mapping[str, str], spec: ContainerSpec) -> dict[str, str]:
    """All of it: defaults, then the image's variables, then those that ``spec`` adds.

    Nothing comes from this process.
    """
    return {**DEFAULTS, **image, **spec.env, **spec.secrets}


def of_image(store: Store, image: Digest) -> dict[str, str]:
    """The variables that an image brings.

    Raises ``NotFoundError`` for an image that is not in the store and ``IntegrityError`` for one
    whose configuration cannot be read.
    """
    digest = store.manifest(image).config.digest
    with store.open(digest) as blob:
        raw = blob.read()
    try:
        process = msgspec.json.decode(raw, type=_Configuration).config
    except msgspec.DecodeError as error:
        raise IntegrityError(
            f"The configuration of the image is not readable: {error}.",
            where=digest,
            remedy="Build the image again with `sealift package`.",
        ) from error
    pairs = (item.partition("=") for item in (process.Env if process else None) or ())
    return {name: value for name, _, value in pairs}


__all__ = ["USER", "environment", "of_image"]
