"""What a cache is kept in: named contents, each there as a whole or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from sealift.types import Digest


@dataclass(frozen=True)
class Purpose:
    """What a bucket is for, as errors say it, and what to do where it is not reached."""

    what: str = "The shared cache"
    remedy: str = (
        "See that the bucket exists, and that AWS_ENDPOINT_URL, AWS_REGION and the credentials "
        "are right, or take cache.shared out of sealift.toml."
    )


class Objects(Protocol):
    """Contents by name, such as files or the objects of a bucket. Names have slashes.

    Every method raises ``MachineError`` where the place cannot be reached.
    """

    def has(self, name: str) -> bool:
        """Whether there is one of this name."""
        ...

    def open(self, name: str) -> BinaryIO | None:
        """Read one from its beginning; None where there is none."""
        ...

    def put(self, name: str, content: bytes | Path, *, replace: bool) -> bool:
        """Write bytes, or those of a file; false where one is there that is not to be replaced."""
        ...

    def names(self, folder: str) -> list[str]:
        """All that begin with this folder's name, in order."""
        ...

    def remove(self, name: str) -> None:
        """Remove one. Nothing happens if it is not there."""
        ...


def blob_name(content: Digest) -> str:
    """What a content is called by its digest.

    >>> blob_name(Digest("sha256:00"))
    'blobs/sha256/00'
    """
    return f"blobs/{content.replace(':', '/')}"


__all__ = ["Objects", "Purpose", "blob_name"]
