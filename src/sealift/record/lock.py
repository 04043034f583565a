"""The exact packages of a project's images: what ``sealift.lock`` holds.

No host is named: package files are found by their paths below whatever mirror the machine uses,
and checked against their digests.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from sealift import digest
from sealift.record.image import Layer
from sealift.types import Digest

FORMAT = 2


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
    """What the layers of one platform's images are made of.

    ``inputs`` is the digest of everything that the choice was made from; a lock counts as long as
    that is unchanged. ``debian`` are the packages that the project file asks for, and what these
    need beyond the base. ``runtime`` and ``packages`` are lines of a requirements file with hashes:
    what the server needs, and the other wheels of the steps. ``platform`` is that of OCI, such as
    ``linux/amd64``.
    """

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
    def content(self) -> bytes:
        """All of it, in the form that its digest is taken of."""
        return digest.canonical(msgspec.to_builtins(self))

    @property
    def digest(self) -> Digest:
        """The digest of all of it."""
        return digest.of_bytes(self.content)


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """The layers that came of the packages behind a role of a platform's lock.

    ``key`` is the digest of all that they were made from, the code that made them included.
    """

    platform: str
    role: str
    key: Digest
    layers: tuple[Layer, ...]


class Locks(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The whole of ``sealift.lock``: a lock for each platform, in order of their names.

    ``results`` are the layers that were made from them: the same on every machine, and to be had
    by their digests from a registry when packages are gone.
    """

    format: int = msgspec.field(default_factory=lambda: FORMAT)
    platforms: tuple[Lock, ...]
    results: tuple[Result, ...] = ()

    def of(self, platform: str) -> Lock | None:
        """The lock of a platform, if there is one."""
        return next((one for one in self.platforms if one.platform == platform), None)

    def with_(self, lock: Lock) -> Locks:
        """The same with this lock in place of its platform's."""
        others = [one for one in self.platforms if one.platform != lock.platform]
        ordered = sorted([*others, lock], key=lambda one: one.platform)
        return msgspec.structs.replace(self, platforms=tuple(ordered))

    def came_to(self, results: Iterable[Result]) -> Locks:
        """The same with these results in place of those for the same platforms and roles."""
        whole = {(one.platform, one.role): one for one in (*self.results, *results)}
        ordered = (whole[name] for name in sorted(whole))
        return msgspec.structs.replace(self, results=tuple(ordered))


class _Format(msgspec.Struct):
    format: int


def encode(locks: Locks) -> bytes:
    """Locks as the text of their file: JSON that a person, and a version control, can read."""
    return msgspec.json.format(msgspec.json.encode(locks), indent=1) + b"\n"


def decode(text: bytes) -> Locks:
    """Read what ``encode`` wrote, now or in the format before this one.

    Raises ``msgspec.MsgspecError``.
    """
    form = msgspec.json.decode(text, type=_Format).format
    if form == 1:
        return Locks(platforms=(msgspec.json.decode(text, type=Lock),))
    if form > FORMAT:
        return Locks(format=form, platforms=())
    return msgspec.json.decode(text, type=Locks)


__all__ = ["Deb", "Lock", "Locks", "Result", "decode", "encode"]
