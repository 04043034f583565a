"""Images of others to stand on: brought into the store, and looked at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from sealift.errors import NotFoundError, PackageError, ProjectError
from sealift.package import fittings, making
from sealift.package.foundation import WHERE, survey
from sealift.package.prover import Prover
from sealift.ports import Depot, Progress, Store
from sealift.record.image_settings import ImageSettings
from sealift.record.lock import Foundation, Lock
from sealift.types import Digest

Fetch = Callable[[str, str, Digest | None], Digest]
"""Brings the image of a reference and a platform into the store; a digest says which it was."""


@dataclass(frozen=True)
class Bases:
    """The bases of a project's images, by its settings.

    ``depot`` has layers that images were pushed with; ``fetch`` brings an image from where the
    project file says.
    """

    settings: ImageSettings
    store: Store
    depot: Depot | None
    fetch: Fetch | None
    prover: Prover
    talk: Progress

    def chosen(self, platform: str) -> Foundation | None:
        """The base for a platform as it is now; None where Debian's packages are the base.

        Raises ``ProjectError`` for settings that mean the packages, ``PackageError`` for an image
        that nothing can stand on, and what bringing it raises.
        """
        if not self.settings.base:
            return None
        self._require_alone()
        self.talk.step("base", f"from {self.settings.base}")
        image = self._fetched(platform, None)
        found = survey(image, self.store, platform, self.settings.python, self.prover.tree)
        self.talk.step("base", f"{image}, {len(found.layers)} layers, Python {found.version}")
        return found

    def fitted(self, lock: Lock) -> Lock:
        """A lock that stands on a base, with what has to go of that one's wheels."""
        if lock.foundation is None:
            return lock
        pins = making.pins(lock, ("runtime", "packages"))
        versions = {name: pin.version for name, pin in pins.items()}
        gone = fittings.hidden(lock.foundation, versions, self.store)
        if gone == lock.foundation.hidden:
            return lock
        changed = msgspec.structs.replace(lock.foundation, hidden=gone)
        return msgspec.structs.replace(lock, foundation=changed)

    def require(self, lock: Lock) -> None:
        """Have the layers of a lock's base in the store, from wherever they can be had.

        Raises ``PackageError`` when they cannot be had any more.
        """
        found = lock.foundation
        if found is None:
            return
        away = [one for one in found.layers if not self.store.has(one.descriptor.digest)]
        if not away:
            return
        if self.depot and self.depot.bring([one.descriptor for one in away], self.store):
            return
        try:
            came = self._fetched(lock.platform, found.image)
        except NotFoundError as error:
            raise _gone(found, error.what) from error
        if came != found.image:
            raise _gone(found, f"{self.settings.base} has {came} now.")

    def _fetched(self, platform: str, wanted: Digest | None) -> Digest:
        if self.fetch is None or not self.settings.base:
            raise NotFoundError("Nothing says where the base is.", where=WHERE)
        return self.fetch(self.settings.base, platform, wanted)

    def _require_alone(self) -> None:
        for key in ("debian", "build_debian"):
            if getattr(self.settings, key):
                raise ProjectError(
                    "Debian packages cannot be put on a base of others.",
                    where=f"sealift.toml: image.{key}",
                    remedy=f"Name a base that has them, and take image.{key} out; or take "
                    "image.base out.",
                )


def _gone(found: Foundation, why: str) -> PackageError:
    return PackageError(
        f"The base that sealift.lock names, {found.image}, cannot be had any more. {why}",
        where=WHERE,
        remedy="Set image.registry to a repository that images on it were pushed to; or delete "
        "sealift.lock, to stand on what the base is now.",
    )


__all__ = ["Bases", "Fetch"]
