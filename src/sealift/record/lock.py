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

Accelerator = Literal["cpu", "cuda"]
"""What computes a model: the processor alone, or a graphics card of NVIDIA where there is one."""


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """What an image is made for: a platform in the words of OCI, and what computes there.

    >>> Variant(platform="linux/amd64", accelerator="cuda").name
    'amd64-cuda'
    """

    platform: str
    accelerator: Accelerator = "cpu"

    @property
    def name(self) -> str:
        """For names of images: the processor, and what computes if that is not the processor."""
        arch = self.platform.partition("/")[2]
        return arch if self.accelerator == "cpu" else f"{arch}-{self.accelerator}"


class Deb(msgspec.Struct, frozen=True, kw_only=True):
    """A Debian package: ``path`` is below the root of the archive it comes from; bytes in size."""

    name: str
    version: str
    arch: str
    archive: Literal["main", "security"]
    path: str
    sha256: str
    size: int


class Built(msgspec.Struct, frozen=True, kw_only=True):
    """A wheel that was built from a source distribution, and all that it was built with.

    ``sdist`` is the file's name and ``sha256`` its digest in hexadecimal; ``requires`` are lines
    of a requirements file with hashes: the wheels that the build needed. ``platform`` is where it
    was built; ``wheel`` the name of the file that came out, ``digest`` and ``size`` (bytes) its.
    """

    name: str
    version: str
    sdist: str
    sha256: str
    requires: tuple[str, ...]
    platform: str
    wheel: str
    digest: Digest
    size: int

    @property
    def pure(self) -> bool:
        """Whether the wheel serves every platform, by its name (PyPA, "Binary distribution")."""
        return self.wheel.endswith("-none-any.whl")


class Foundation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An image of others that a platform's images stand on, in place of Debian's packages.

    ``image`` is the digest of its manifest, ``layers`` are its own, ``env`` is its environment.
    ``python`` is the program of its interpreter and ``version`` that one's, as far as it is told;
    ``packages`` is the folder where it looks for wheels. ``glibc`` is the minor version of its
    glibc 2. ``shell`` says whether it has /bin/sh, ``certificates`` whether it has a bundle of
    authorities where Debian has one. ``folders`` and ``links`` are put on top of it: the places
    that containers need, and names that have to lead to the interpreter; ``hidden`` are names that
    are taken away, of wheels that the lock has in other versions. Paths have no leading slash.
    """

    image: Digest
    layers: tuple[Layer, ...]
    env: tuple[str, ...] = ()
    python: str
    version: str
    packages: str
    glibc: int
    shell: bool = False
    certificates: bool = False
    folders: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()


PREFIX = "opt/python"
"""Where an image has an interpreter that is no package of its distribution."""


class Standalone(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An interpreter that is taken from an archive, in place of the distribution's.

    ``archive`` is the name of the file, ``sha256`` its digest in hexadecimal, ``size`` its bytes.
    ``version`` is the interpreter's, as far as it is told. ``libraries`` are those that it asks the
    distribution for, ``parts`` the versions of those that are linked into it, by name.
    """

    archive: str
    sha256: str
    size: int = 0
    version: str = ""
    libraries: tuple[str, ...] = ()
    parts: dict[str, str] = {}


class Lock(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the layers of one platform's images are made of.

    ``inputs`` is the digest of everything that the choice was made from; a lock counts as long as
    that is unchanged. ``debian`` are the packages that the project file asks for, and what these
    need beyond the base. ``runtime`` and ``packages`` are lines of a requirements file with hashes:
    what the server needs, and the other wheels of the steps. ``built`` are those wheels that come
    from source distributions, ``tools`` the Debian packages that only the image of a build has.
    ``platform`` is that of OCI, such as ``linux/amd64``. The lock for ``cuda`` has what the server
    needs there; the steps run on the packages of the other one. With a ``foundation`` the packages
    of the distribution are that one's, and the lock names none; with a ``standalone`` one the
    interpreter is not among them.
    """

    inputs: Digest
    platform: str
    accelerator: Accelerator = "cpu"
    suite: str
    python: str
    base: tuple[Deb, ...]
    shell: tuple[Deb, ...]
    debian: tuple[Deb, ...] = ()
    runtime: tuple[str, ...]
    packages: tuple[str, ...]
    tools: tuple[Deb, ...] = ()
    built: tuple[Built, ...] = ()
    foundation: Foundation | None = None
    standalone: Standalone | None = None

    @property
    def stands(self) -> Foundation | Standalone | None:
        """What is there in place of the distribution's packages, or of its interpreter."""
        return self.foundation or self.standalone

    @property
    def wheels(self) -> str:
        """The folder where the interpreter looks for wheels, without a leading slash."""
        if self.foundation:
            return self.foundation.packages
        if self.standalone:
            return f"{PREFIX}/lib/python{self.python}/site-packages"
        return f"usr/local/lib/python{self.python}/dist-packages"

    @property
    def variant(self) -> Variant:
        """What it is for."""
        return Variant(platform=self.platform, accelerator=self.accelerator)

    @property
    def content(self) -> bytes:
        """All of it, in the form that its digest is taken of."""
        return digest.canonical(msgspec.to_builtins(self))

    @property
    def digest(self) -> Digest:
        """The digest of all of it."""
        return digest.of_bytes(self.content)


class Result(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The layers that came of the packages behind a role of a lock.

    ``key`` is the digest of all that they were made from, ``code`` that of Sealift's own code that
    made them: another version may come to other bytes, and the layers are as good as its own.
    """

    platform: str
    accelerator: Accelerator = "cpu"
    role: str
    key: Digest
    code: Digest | None = None
    layers: tuple[Layer, ...]


class Pinned(msgspec.Struct, frozen=True, kw_only=True):
    """Which image a step's reference stands for on a platform."""

    reference: str
    platform: str
    digest: Digest


class Locks(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The whole of ``sealift.lock``: a lock for each variant, in order of their names.

    ``results`` are the layers that were made from them: the same on every machine, and to be had
    by their digests from a registry when packages are gone. ``images`` are those of others that
    single steps run in.
    """

    format: int = msgspec.field(default_factory=lambda: FORMAT)
    platforms: tuple[Lock, ...]
    results: tuple[Result, ...] = ()
    images: tuple[Pinned, ...] = ()

    def image(self, reference: str, platform: str) -> Digest | None:
        """The image that a step's reference stands for, if that is known."""
        known = {(one.reference, one.platform): one.digest for one in self.images}
        return known.get((reference, platform))

    def with_image(self, pin: Pinned) -> Locks:
        """The same with this image in place of that of its reference and platform."""
        whole = {(one.reference, one.platform): one for one in (*self.images, pin)}
        ordered = (whole[name] for name in sorted(whole))
        return msgspec.structs.replace(self, images=tuple(ordered))

    def of(self, variant: Variant) -> Lock | None:
        """The lock of a variant, if there is one."""
        return next((one for one in self.platforms if one.variant == variant), None)

    def with_(self, lock: Lock) -> Locks:
        """The same with this lock in place of its variant's."""
        others = [one for one in self.platforms if one.variant != lock.variant]
        ordered = sorted([*others, lock], key=lambda one: one.variant.name)
        return msgspec.structs.replace(self, platforms=tuple(ordered))

    def came_to(self, results: Iterable[Result]) -> Locks:
        """The same with these results in place of those for the same variants and roles."""
        every = (*self.results, *results)
        whole = {(one.platform, one.accelerator, one.role): one for one in every}
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


__all__ = [
    "Accelerator",
    "Built",
    "Deb",
    "Foundation",
    "Lock",
    "Locks",
    "PREFIX",
    "Result",
    "Standalone",
    "Variant",
    "decode",
    "encode",
]
