"""Images of others that single steps run in: pinned in the lock, brought into the store."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sealift.errors import NotFoundError, PackageError
from sealift.folders import Folders
from sealift.package import locking
from sealift.package.bases import Fetch
from sealift.ports import Progress, Store
from sealift.record.lock import Pinned
from sealift.types import Digest


@dataclass(frozen=True)
class Borrowed:
    """The images that steps name, for one platform; ``fetch`` brings one from where it lies."""

    folders: Folders
    store: Store
    fetch: Fetch | None
    platform: str
    talk: Progress

    def images(self, references: Iterable[str]) -> dict[str, Digest]:
        """The digest of each; the first time it is looked up, and then it stays that one.

        An image in a file or a folder is whatever lies there, since who changes that means it.
        Raises ``PackageError`` for one that is gone, or has become another, and what bringing one
        raises.
        """
        return {one: self._image(one) for one in dict.fromkeys(references)}

    def _image(self, reference: str) -> Digest:
        pinned = locking.read(self.folders).image(reference, self.platform)
        of_files = reference.partition(":")[0] in ("oci", "oci-archive", "docker-archive")
        if pinned and not of_files and self._whole(pinned):
            return pinned
        if self.fetch is None:
            raise NotFoundError("Nothing says where the image is.", where=reference)
        self.talk.step("image", f"from {reference}")
        try:
            found = self.fetch(reference, self.platform, None if of_files else pinned)
        except NotFoundError as error:
            raise PackageError(
                f"The image {reference} cannot be had. {error.what}",
                where=error.where or reference,
                remedy="Correct its name; or take it out of `images` in sealift.lock, to have what "
                "its tag means now.",
            ) from error
        if pinned != found:
            self._pin(reference, found)
        return found

    def _whole(self, image: Digest) -> bool:
        """Whether all of an image is in the store."""
        if not self.store.has(image):
            return False
        manifest = self.store.manifest(image)
        parts = (manifest.config, *manifest.layers)
        return all(self.store.has(one.digest) for one in parts)

    def _pin(self, reference: str, found: Digest) -> None:
        locks = locking.read(self.folders)
        pin = Pinned(reference=reference, platform=self.platform, digest=found)
        locking.write(self.folders, locks.with_image(pin))
        self.talk.step("image", f"{reference} is {found}")


__all__ = ["Borrowed"]
