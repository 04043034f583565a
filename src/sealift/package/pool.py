"""The files of locked Debian packages: from the cache, a mirror, or an archive of old ones."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from sealift.errors import MachineError, SourceError
from sealift.folders import downloads
from sealift.network.network import Network
from sealift.package import debs, snapshot, sources
from sealift.package.fetch import Fetcher, MissingError
from sealift.package.lacking import lacking
from sealift.ports import Progress
from sealift.record.lock import Deb

_AT_ONCE = 8
_SHOWN = 6


def load(wanted: tuple[Deb, ...], network: Network, progress: Progress) -> dict[str, debs.Package]:
    """The packages by name, read into memory.

    No source is looked for when the cache holds all of them. Raises ``SourceError`` naming those
    that cannot be had, ``OfflineError`` naming those that would have to be downloaded while the
    network is switched off.
    """
    with Fetcher(downloads() / "debs", network) as fetcher:
        held = {deb.name: fetcher.held(deb.sha256) for deb in wanted}
        missing = [deb for deb in wanted if held[deb.name] is None]
        if missing:
            source = _source(network, fetcher)
            if source is None:
                raise lacking([f"{deb.name} {deb.version}" for deb in missing])
            size = sum(deb.size for deb in missing) / 1e6
            progress.step("download", f"{len(missing)} packages, {size:.1f} MB")
            held |= _download(missing, source)
    return {name: debs.read(path) for name, path in sorted(held.items()) if path}


@dataclass(frozen=True)
class _Source:
    """Where packages are asked for: a mirror, and an archive for what that no longer has."""

    main: str
    security: str
    archive: str
    fetcher: Fetcher

    def file(self, deb: Deb) -> Path:
        """The file of a package; ``MissingError`` when it is gone everywhere."""
        base = self.main if deb.archive == "main" else self.security
        if base or not self.archive:
            try:
                return self.fetcher.file(f"{base or self._nowhere()}/{deb.path}", deb.sha256)
            except MissingError:
                if not self.archive:
                    raise
        return snapshot.file(deb, self.archive, self.fetcher)

    def _nowhere(self) -> str:
        raise SourceError(
            "The lock has packages of the security archive, and no source of those is known.",
            where="sealift.lock",
            remedy="Name one with network.security_mirror in sealift.toml, or with "
            "SEALIFT_SECURITY_MIRROR.",
        )


def _source(network: Network, fetcher: Fetcher) -> _Source | None:
    """Where to ask; None where the network is switched off and all of it is far."""
    known = (*sources.bases(network), network.snapshot)
    main, security, archive = (one if network.reaches(one) else "" for one in known)
    if main or archive:
        return _Source(main, security, archive, fetcher)
    if network.offline:
        return None
    raise sources.unknown()


def _download(missing: list[Deb], source: _Source) -> dict[str, Path]:
    def fetch(deb: Deb) -> Path | MachineError:
        try:
            return source.file(deb)
        except MachineError as error:
            return error

    with ThreadPoolExecutor(_AT_ONCE) as threads:
        results = dict(zip(missing, threads.map(fetch, missing), strict=True))
    failed = {deb: error for deb, error in results.items() if isinstance(error, MachineError)}
    if failed:
        raise _failure(failed, source)
    return {deb.name: path for deb, path in results.items() if isinstance(path, Path)}


def _failure(failed: dict[Deb, MachineError], source: _Source) -> MachineError:
    gone = [deb for deb, error in failed.items() if isinstance(error, MissingError)]
    others = {deb: error for deb, error in failed.items() if deb not in gone}
    if not others:
        return _gone(gone, source, next(iter(failed.values())).where)
    first = next(iter(others.values()))
    also = f" Gone from the mirror: {_names(gone)}." if gone else ""
    more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
    return type(first)(
        f"{first.what} So packages that are not in the cache cannot be downloaded: "
        f"{_names(list(others)[:_SHOWN])}{more}.{also}",
        where=first.where,
        remedy=first.remedy,
    )


def _names(debs: list[Deb]) -> str:
    return ", ".join(f"{deb.name} {deb.version}" for deb in debs)


def _gone(debs: list[Deb], source: _Source, where: str) -> SourceError:
    also = ", nor has the archive of superseded ones" if source.archive else ""
    other = "another archive" if source.archive else "an archive that keeps superseded packages"
    return SourceError(
        f"The mirror no longer has {len(debs)} of the locked packages{also}: {_names(debs)}.",
        where=where,
        remedy=f"Name {other} with network.snapshot in sealift.toml; or copy the folder debs of "
        "SEALIFT_CACHE from a machine that has built this; or delete sealift.lock to choose newer "
        "packages.",
    )


__all__ = ["load"]
