"""How an image came about: all that its bill of materials and its provenance are made from."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import msgspec
from packageurl import PackageURL

from sealift import digest
from sealift.ports import Store
from sealift.record.image import Image
from sealift.record.lock import Built, Deb, Lock, Standalone
from sealift.record.model import Model
from sealift.record.pin import Pin
from sealift.record.pin import pins as locked
from sealift.record.run import Run
from sealift.types import Digest


class Making(msgspec.Struct, frozen=True, kw_only=True):
    """An image, the model in it, the run that gave the model, and the packages it was put on.

    ``project_file`` is the digest of sealift.toml as the run read it, None where it was not kept.
    """

    image: Image
    model: Model
    run: Run
    lock: Lock
    project_file: Digest | None = None


def project_file(run: Run, store: Store, name: str) -> Digest | None:
    """The digest of the project file of this name as a run read it, where its code was kept."""
    if not store.has(run.code.digest):
        return None
    path = store.tree(run.code.digest) / name
    return digest.of_file(path) if path.is_file() else None


def pins(lock: Lock, roles: Collection[str]) -> dict[str, Pin]:
    """The locked wheels by name, of the layers with these roles."""
    lines = (one for part in _parts(lock, roles) for one in part if isinstance(one, str))
    return locked(lines)


def built(lock: Lock, roles: Collection[str]) -> list[Built]:
    """The wheels that were built from source distributions, of the layers with these roles."""
    there = pins(lock, roles)
    return [one for one in lock.built if one.name in there]


def sdist_purl(built: Built) -> str:
    """The package URL of the source distribution that a wheel was built from."""
    qualifiers = {"file_name": built.sdist}
    return PackageURL("pypi", None, built.name, built.version, qualifiers).to_string()


def interpreter_purl(one: Standalone) -> str:
    """The package URL of an interpreter that came as an archive.

    >>> interpreter_purl(Standalone(archive="cpython.tar.gz", sha256="00", version="3.13.9"))
    'pkg:generic/python@3.13.9?checksum=sha256:00&file_name=cpython.tar.gz'
    """
    qualifiers = {"checksum": f"sha256:{one.sha256}", "file_name": one.archive}
    return PackageURL("generic", None, "python", one.version, qualifiers).to_string()


def debs(lock: Lock, roles: Collection[str]) -> list[Deb]:
    """The locked Debian packages of the layers with these roles."""
    return [one for part in _parts(lock, roles) for one in part if isinstance(one, Deb)]


def _parts(lock: Lock, roles: Collection[str]) -> list[tuple[Deb | str, ...]]:
    """What a lock says of these layers: its fields have the names of roles."""
    return [getattr(lock, name) for name in lock.__struct_fields__ if name in roles]


class Distribution(NamedTuple):
    """A distribution in the words of package URLs: whose it is, and which."""

    vendor: str = "debian"
    codename: str = ""


def deb_purl(name: str, version: str, arch: str, distribution: Distribution) -> str:
    """The package URL of a Debian package.

    >>> deb_purl("libc6", "2.41-12", "amd64", Distribution(codename="trixie"))
    'pkg:deb/debian/libc6@2.41-12?arch=amd64&distro=trixie'
    """
    qualifiers = {"arch": arch}
    if distribution.codename:
        qualifiers["distro"] = distribution.codename
    return PackageURL("deb", distribution.vendor, name, version, qualifiers).to_string()


__all__ = [
    "Distribution",
    "Making",
    "built",
    "deb_purl",
    "debs",
    "interpreter_purl",
    "pins",
    "project_file",
    "sdist_purl",
]
