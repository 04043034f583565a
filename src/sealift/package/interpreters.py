"""Interpreters from archives: found where the project file says, checked, looked at once."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sealift.archive import Entry
from sealift.errors import ProjectError, SourceError
from sealift.folders import downloads
from sealift.network.network import Network
from sealift.package import standalone
from sealift.package.fetch import Fetcher, MissingError
from sealift.package.lacking import lacking
from sealift.package.standalone import WHERE
from sealift.ports import Progress
from sealift.record.image_settings import ImageSettings, Interpreter
from sealift.record.lock import Lock, Standalone


@dataclass(frozen=True)
class Interpreters:
    """The archives of a project's settings; ``root`` is the folder of its files."""

    settings: ImageSettings
    root: Path
    network: Network
    talk: Progress

    def chosen(self, platform: str) -> Standalone | None:
        """The interpreter for a platform; None where it is the distribution's.

        Raises ``ProjectError`` for settings that do not go together, ``SourceError`` when the
        archive cannot be had, ``PackageError`` when it is of no use here.
        """
        if not self.settings.interpreter:
            return None
        self._require_alone()
        named = {str(name): one for name, one in self.settings.interpreter.items()}
        found = named.get(platform)
        if found is None:
            there = ", ".join(sorted(named))
            raise ProjectError(
                f"No interpreter is named for {platform}; there is one for {there}.",
                where=WHERE,
                remedy=f'Name its archive in [image.interpreter."{platform}"], or take the '
                "platform off image.platforms.",
            )
        told = Standalone(archive=_name(found.archive), sha256=found.sha256)
        self.talk.step("interpreter", f"from {told.archive}")
        made = standalone.read(self._file(told), self.settings.python, platform, told).standalone
        self.talk.step("interpreter", f"Python {made.version}")
        return made

    def entries(self, lock: Lock, told: Standalone) -> tuple[Entry, ...]:
        """The files of the layer of a lock's interpreter. Raises what ``chosen`` raises."""
        return standalone.read(self._file(told), lock.python, lock.platform, told).entries

    def _file(self, told: Standalone) -> Path:
        """The archive: from the cache, else from where the project file says."""
        with Fetcher(downloads() / "interpreters", self.network) as fetcher:
            if found := fetcher.held(told.sha256):
                return found
            place = self._place(told)
            if not self.network.reaches(place):
                raise lacking([told.archive])
            try:
                return fetcher.file(place, told.sha256)
            except MissingError as error:
                raise SourceError(
                    f"The archive of the interpreter, {told.archive}, is not where it should be.",
                    where=error.where,
                    remedy="Correct image.interpreter in sealift.toml; or copy the folder "
                    "interpreters of SEALIFT_CACHE from a machine that has built this.",
                ) from error

    def _place(self, told: Standalone) -> str:
        """The address of an archive, by its digest."""
        for one in self.settings.interpreter.values():
            if one.sha256 == told.sha256:
                return _address(one, self.root)
        raise SourceError(
            f"Nothing says where the archive {told.archive} with the digest sha256:{told.sha256} "
            "is.",
            where=WHERE,
            remedy="Name it in sealift.toml, or copy the folder interpreters of SEALIFT_CACHE from "
            "a machine that has built this.",
        )

    def _require_alone(self) -> None:
        if self.settings.base:
            raise ProjectError(
                "A base of others has an interpreter of its own.",
                where=WHERE,
                remedy="Take image.interpreter out, or image.base.",
            )


def _address(one: Interpreter, root: Path) -> str:
    if urlsplit(one.archive).scheme in ("http", "https", "file"):
        return one.archive
    return (root / Path(one.archive).expanduser()).absolute().as_uri()


def _name(archive: str) -> str:
    """The name of the file at a path or an address.

    >>> _name("https://example.com/a/cpython-3.13.9%2B2025-install_only.tar.gz?token=1")
    'cpython-3.13.9+2025-install_only.tar.gz'
    """
    there = "://" in archive
    return posixpath.basename(unquote(urlsplit(archive).path) if there else archive)


__all__ = ["Interpreters"]
