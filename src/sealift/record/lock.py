"""The exact packages of a project's images: what ``sealift.lock`` holds.

No host is named: package files are found by their paths below whatever mirror the machine uses,
and checked against their digests.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from sealift import digest
from sealift.types import Digest

FORMAT = 1


class Deb(msgspec.Struct, frozen=True, kw_only=True):
    """A Debian package: ``path`` is below the root of the archive it comes from; bytes in size."""

    name: str
    version: str
    arch: str
    archive: Literal["main", "security"]
    path: str
    sha256: str
    size: int


class Lock(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the layers are made of.

    ``inputs`` is the digest of everything that the choice was made from; a lock counts as long as
    that is unchanged. ``debian`` are the packages that the project file asks for, and what these
    need beyond the base. ``runtime`` and ``packages`` are lines of a requirements file with hashes:
    what the server needs, and the other wheels of the steps. ``platform`` is that of OCI, such as
    ``linux/amd64``.
    """

    format: int = msgspec.field(default_factory=lambda: FORMAT)
    inputs: Digest
    platform: str
    suite: str
    python: str
    base: tuple[Deb, ...]
    shell: tuple[Deb, ...]
    debian: tuple[Deb, ...] = ()
    runtime: tuple[str, ...]
    packages: tuple[str, ...]

    @property
    def digest(self) -> Digest:
        """The digest of all of it."""
        return digest.of_json(msgspec.to_builtins(self))


def encode(lock: Lock) -> bytes:
    """A lock as the text of its file: JSON that a person, and a version control, can read."""
    return msgspec.json.format(msgspec.json.encode(lock), indent=1) + b"\n"


def decode(text: bytes) -> Lock:
    """Read what ``encode`` wrote. Raises ``msgspec.MsgspecError``."""
    return msgspec.json.decode(text, type=Lock)


__all__ = ["Deb", "Lock", "decode", "encode"]
