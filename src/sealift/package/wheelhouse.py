"""Wheels that are in no index: from the store, the registry, or built (again) by the kiln."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from sealift.errors import PackageError
from sealift.network.network import Network
from sealift.package import locking, requirements, sdists, wheels
from sealift.package.kiln import Kiln
from sealift.package.sdists import Sdist
from sealift.ports import Depot, Store
from sealift.record.image import WHEEL, Descriptor
from sealift.record.lock import Built, Lock
from sealift.record.pin import normal
from sealift.record.project import Project
from sealift.types import Digest


class Wheelhouse:
    """The built wheels of a project's locks. Without a ``kiln`` nothing is built."""

    def __init__(
        self,
        project: Project,
        root: Path,
        store: Store,
        depot: Depot | None,
        network: Network,
        kiln: Kiln | None,
    ) -> None:
        self._settings = project.image
        self._root = root
        self._store = store
        self._depot = depot
        self._network = network
        self._kiln = kiln

    def made(self, bare: Lock) -> tuple[Built, ...]:
        """Build what the project file names, in the newest versions that the requirements allow.

        ``bare`` is a lock of this machine's platform without wheels. Raises ``PackageError``
        naming what would have to be built where nothing may be.
        """
        texts = list(requirements.texts(self._settings.requirements, self._root).values())
        names = dict.fromkeys(normal(name) for name in self._settings.build)
        found = [self._find(name, sdists.asked(name, texts), bare) for name in names]
        kiln = self._lit([one.file for one in found])
        return tuple(kiln.build(one, bare) for one in found)

    def place(self, lock: Lock, folder: Path) -> Mapping[Digest, Path]:
        """Put the built wheels of a lock into ``folder``, under their names.

        Raises ``PackageError`` when one can neither be had nor built, or when building it again
        gives other bytes than the lock says.
        """
        if away := [one for one in lock.built if not self._there(one)]:
            kiln = self._lit([one.sdist for one in away])
            for one in away:
                self._again(kiln, one, lock)
        return {one.digest: self._out(one, folder) for one in lock.built}

    def _find(self, name: str, wanted: Sequence[str], lock: Lock) -> Sdist:
        user = self._root / self._settings.requirements
        indexes = list(wheels.indexes(user)) if user.exists() else []
        return sdists.find(name, wanted, indexes, lock.python, self._network)

    def _there(self, one: Built) -> bool:
        if self._store.has(one.digest):
            return True
        blob = Descriptor(media_type=WHEEL, digest=one.digest, size=one.size)
        return self._depot is not None and self._depot.bring([blob], self._store)

    def _out(self, one: Built, folder: Path) -> Path:
        path = folder / one.wheel
        with self._store.open(one.digest) as blob, path.open("wb") as file:
            shutil.copyfileobj(blob, file)
        return path

    def _lit(self, files: Sequence[str]) -> Kiln:
        """The kiln, to build these source distributions. Raises ``PackageError`` without one."""
        if self._kiln is None:
            raise PackageError(
                f"{', '.join(files)} would have to be built, and nothing may be built here.",
                where="sealift.toml: image.build",
                remedy="Build once without --hermetic and SEALIFT_HERMETIC, on this machine or "
                "with --push to image.registry; what is kept there is taken.",
            )
        return self._kiln

    def _again(self, kiln: Kiln, one: Built, lock: Lock) -> None:
        if one.platform != locking.here():
            raise PackageError(
                f"The wheel {one.wheel} was built on {one.platform}, and is neither in the store "
                "nor in the registry.",
                where="sealift.lock",
                remedy="Package on that platform with --push to image.registry; or delete "
                "sealift.lock, to have it made anew here.",
            )
        came = kiln.again(one, lock, self._source(one, lock))
        if came != one.digest:
            raise PackageError(
                f"Building {one.sdist} again gave a wheel with the digest {came}; sealift.lock "
                f"names {one.digest}, which is neither in the store nor in the registry.",
                where="sealift.lock",
                remedy="Its build is not repeatable. Push an image that has it to image.registry "
                "from the machine that built it; or delete sealift.lock, to have it made anew.",
            )

    def _source(self, one: Built, lock: Lock) -> Sdist:
        found = sdists.held(one.name, one.version, one.sdist, one.sha256, self._network)
        if found is None:
            exact = [f"{one.name}=={one.version}"]
            found = self._find(one.name, exact, lock)
        if found.sha256 != one.sha256:
            raise PackageError(
                f"The index has {found.file} with the digest sha256:{found.sha256}; sealift.lock "
                f"names sha256:{one.sha256}.",
                where="sealift.lock",
                remedy="Find out why it was replaced; delete sealift.lock to take the new one.",
            )
        return found


class Abroad:
    """The wheelhouse for a platform that is not this machine's: of what ``home`` built."""

    def __init__(self, house: Wheelhouse, home: Callable[[], Lock]) -> None:
        self._house = house
        self._home = home

    def made(self, bare: Lock) -> tuple[Built, ...]:
        """The wheels that were built here and serve every platform.

        Raises ``PackageError`` when others were built.
        """
        return abroad(self._home().built, bare.platform)

    def place(self, lock: Lock, folder: Path) -> Mapping[Digest, Path]:
        """Put the built wheels of a lock into ``folder``, under their names."""
        return self._house.place(lock, folder)


def abroad(built: Sequence[Built], platform: str) -> tuple[Built, ...]:
    """Wheels built on another platform, for this one.

    Raises ``PackageError`` naming those that are not pure: they fit the machine that built them.
    """
    if bound := [one for one in built if not one.pure]:
        names = ", ".join(one.sdist for one in bound)
        raise PackageError(
            f"{names} cannot be built for {platform}: building gives a wheel for "
            f"{bound[0].platform} alone ({bound[0].wheel}), and a build runs on the processor of "
            "the machine.",
            where="sealift.toml: image.build",
            remedy=f"Package for {platform} on such a machine, or put a wheel for it into an index "
            "and take the package off image.build.",
        )
    return tuple(built)


__all__ = ["Abroad", "Wheelhouse", "abroad"]
