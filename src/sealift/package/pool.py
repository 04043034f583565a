"""The files of locked Debian packages: from the cache, else from the machine's mirror."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sealift.errors import SourceError
from sealift.folders import downloads
from sealift.network.network import Network
from sealift.package import debs, sources
from sealift.package.fetch import Fetcher, MissingError
from sealift.package.sources import Mirror
from sealift.ports import Progress
from sealift.record.lock import Deb

_AT_ONCE = 8


def load(wanted: tuple[Deb, ...], network: Network, progress: Progress) -> dict[str, debs.Package]:
    """The packages by name, read into memory.

    No source is looked for when the cache holds all of them. Raises ``SourceError`` naming those
    that cannot be had.
    """
    with Fetcher(downloads() / "debs", network) as fetcher:
        held = {deb.name: fetcher.held(deb.sha256) for deb in wanted}
        missing = [deb for deb in wanted if held[deb.name] is None]
        if missing:
            size = sum(deb.size for deb in missing) / 1e6
            progress.step("download", f"{len(missing)} packages, {size:.1f} MB")
            held |= _download(missing, sources.mirror(network), fetcher)
    return {name: debs.read(path) for name, path in sorted(held.items()) if path}


def _download(missing: list[Deb], mirror: Mirror, fetcher: Fetcher) -> dict[str, Path]:
    def fetch(deb: Deb) -> Path | SourceError:
        try:
            return fetcher.file(_url(deb, mirror), deb.sha256)
        except SourceError as error:
            return error

    with ThreadPoolExecutor(_AT_ONCE) as threads:
        results = dict(zip(missing, threads.map(fetch, missing), strict=True))
    failed = {deb: error for deb, error in results.items() if isinstance(error, SourceError)}
    if failed:
        raise _failure(failed)
    return {deb.name: path for deb, path in results.items() if isinstance(path, Path)}


def _url(deb: Deb, mirror: Mirror) -> str:
    if deb.archive == "main":
        return f"{mirror.main}/{deb.path}"
    if not mirror.security:
        raise SourceError(
            "The lock has packages of the security archive, and no source of those is known.",
            where="sealift.lock",
            remedy="Name one with network.security_mirror in sealift.toml, or "
            "SEALIFT_SECURITY_MIRROR.",
        )
    return f"{mirror.security}/{deb.path}"


def _failure(failed: dict[Deb, SourceError]) -> SourceError:
    names = ", ".join(f"{deb.name} {deb.version}" for deb in failed)
    first = next(iter(failed.values()))
    if all(isinstance(error, MissingError) for error in failed.values()):
        return SourceError(
            f"The mirror no longer has these locked packages: {names}.",
            where=first.where,
            remedy="Delete sealift.lock to choose newer ones, or name a mirror that keeps old "
            "packages with the environment variable SEALIFT_MIRROR.",
        )
    return SourceError(
        f"These packages are not in the cache and cannot be downloaded: {names}. {first.what}",
        where=first.where,
        remedy=first.remedy,
    )


__all__ = ["load"]
