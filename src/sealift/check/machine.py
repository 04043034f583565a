"""Whether this machine can run the programs of an image."""

from __future__ import annotations

from pathlib import Path

from sealift.errors import CheckError
from sealift.types import Digest

HANDLERS = Path("/proc/sys/fs/binfmt_misc")
"""Where the kernel lists the interpreters of foreign programs."""

_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
"""What OCI and qemu call the same processors, where these differ."""


def require(image: str, here: str, digest: Digest, *, handlers: Path = HANDLERS) -> None:
    """Raises ``CheckError`` for an image of another platform that is not emulated here.

    Platforms are in OCI's words; an empty one is not compared.
    """
    if not image or not here or image == here or _emulated(image, handlers):
        return
    raise CheckError(
        f"The image is for {image}, and this machine is {here}.",
        where=digest,
        remedy=f"Check it on a machine of that kind, or check the image for {here}: of a tag or an "
        "index it is taken by itself.",
    )


def _emulated(image: str, handlers: Path) -> bool:
    architecture = image.split("/")[1]
    return (handlers / f"qemu-{_MACHINES.get(architecture, architecture)}").exists()


__all__ = ["require"]
