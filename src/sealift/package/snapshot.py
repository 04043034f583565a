"""Archives that keep the Debian packages which mirrors no longer have.

Two kinds are known by what they answer. One keeps the folders of a mirror, of one day or of all
days: ``ADDRESS/pool/...``. The other is the service of Debian's own archive of snapshots: it
names a file by package, version and architecture (``mr/binary/NAME/VERSION/binfiles``), and gives
it out by its digest (``file/DIGEST``). Whatever comes is checked against the lock by the caller's
``Fetcher``.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import msgspec

from sealift.errors import SourceError
from sealift.package.fetch import Fetcher, MissingError
from sealift.record.lock import Deb

_ARCHIVES = {"main": "debian", "security": "debian-security"}


class _File(msgspec.Struct, frozen=True):
    hash: str
    architecture: str = ""


class _Files(msgspec.Struct, frozen=True):
    result: list[_File] = msgspec.field(default_factory=list)


def file(deb: Deb, archive: str, fetcher: Fetcher) -> Path:
    """The file of a package; ``archive`` is the address, where {archive} stands for its name.

    Raises ``MissingError`` when the archive does not have it either.
    """
    base = archive.replace("{archive}", _ARCHIVES[deb.archive])
    try:
        return fetcher.file(f"{base}/{deb.path}", deb.sha256)
    except MissingError:
        if base != archive:
            raise
    return fetcher.file(f"{base}/file/{_name(deb, base, fetcher)}", deb.sha256)


def _name(deb: Deb, base: str, fetcher: Fetcher) -> str:
    """The digest by which the service knows a package."""
    version = quote(deb.version, safe="")
    url = f"{base}/mr/binary/{quote(deb.name, safe='')}/{version}/binfiles"
    try:
        found = msgspec.json.decode(fetcher.text(url), type=_Files).result
    except msgspec.MsgspecError as error:
        raise SourceError(
            "The answer of the archive of superseded packages is not understood.",
            where=url,
            remedy="Check network.snapshot in sealift.toml, or SEALIFT_SNAPSHOT.",
        ) from error
    for one in found:
        if one.architecture == deb.arch and one.hash.isalnum():
            return one.hash
    raise MissingError("The archive does not have this package.", where=url)


__all__ = ["file"]
