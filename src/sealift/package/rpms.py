"""The packages that rpm installed, by its database: SQLite, as since rpm 4.16 (2020).

Sources: rpm, "RPM v4 file format" (the header: an index of tags, then their data, big-endian),
``lib/backend/sqlite.c`` (the table), and the package-url specification, type ``rpm``.
"""

from __future__ import annotations

import shutil
import sqlite3
import struct
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import msgspec
from packageurl import PackageURL

PLACES = tuple(
    f"{folder}/rpmdb.sqlite" for folder in ("var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm")
)
"""Where distributions keep it: the old place, that of Fedora and SUSE, that of rpm-ostree."""
_TAGS = {
    1000: "name",
    1001: "version",
    1002: "release",
    1003: "epoch",
    1014: "licence",
    1022: "arch",
    1044: "source",
}
_TEXTS = (6, 9)
"""A text, and one in several languages, of which the first is not translated."""
_INT32 = 4
_KEY = "gpg-pubkey"
"""The name under which the database lists keys, which are no packages."""
_NAMESPACES = {"rhel": "redhat", "opensuse-leap": "opensuse", "opensuse-tumbleweed": "opensuse"}
_MOST = 64 << 20


class Rpm(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A package: ``source`` is the file that it was built from, ``licence`` as it is stated."""

    name: str
    version: str
    release: str
    epoch: int | None = None
    arch: str = ""
    licence: str = ""
    source: str = ""

    @property
    def whole(self) -> str:
        """Version and release, as package URLs have them."""
        return f"{self.version}-{self.release}"


def installed(root: Path) -> tuple[Rpm, ...] | None:
    """The packages of a root file system, by name; None where no list can be read."""
    for name in PLACES:
        database = root / name
        if database.is_file() and not _leads(root, name):
            try:
                return tuple(sorted(_packages(database), key=lambda one: (one.name, one.whole)))
            except (sqlite3.Error, struct.error, ValueError, OSError):
                return None
    return None


def _leads(root: Path, name: str) -> bool:
    """Whether a link lies on the way, whose target may be outside."""
    path = root / name
    return any(
        one.is_symlink() for one in (path, *path.parents) if one != root and root in one.parents
    )


def _packages(database: Path) -> Iterator[Rpm]:
    """Read from a copy, with what was written last: SQLite writes beside what it reads."""
    with tempfile.TemporaryDirectory(prefix="sealift-rpm-") as folder:
        copy = Path(folder) / database.name
        for suffix in ("", "-wal"):
            part = database.with_name(database.name + suffix)
            if part.is_file() and not part.is_symlink():
                shutil.copyfile(part, copy.with_name(part.name))
        with closing(sqlite3.connect(copy)) as opened:
            opened.execute("PRAGMA trusted_schema = OFF")
            for (blob,) in opened.execute("SELECT blob FROM Packages ORDER BY hnum"):
                found = _fields(blob)
                if found.get("name") != _KEY:
                    yield msgspec.convert(found, Rpm)


def _fields(blob: bytes) -> dict[str, object]:
    """What a header says. Raises ``struct.error`` or ``ValueError`` for a damaged one."""
    count, size = struct.unpack_from(">II", blob)
    data = 8 + 16 * count
    if data + size > len(blob) or size > _MOST:
        raise ValueError("a header is cut off")
    found: dict[str, object] = {}
    for number in range(count):
        tag, kind, offset, _ = struct.unpack_from(">iIiI", blob, 8 + 16 * number)
        name = _TAGS.get(tag)
        if name and kind in _TEXTS:
            start = data + offset
            found[name] = blob[start : blob.index(b"\0", start)].decode("utf-8", "replace")
        elif name and kind == _INT32:
            (found[name],) = struct.unpack_from(">I", blob, data + offset)
    return found


def purl(one: Rpm, release: Mapping[str, str]) -> str:
    """The package URL of a package; ``release`` are the variables of os-release(5).

    >>> curl = Rpm(name="curl", version="8.9", release="1.fc41", epoch=2, arch="x86_64")
    >>> purl(curl, {"ID": "fedora", "VERSION_ID": "41"})
    'pkg:rpm/fedora/curl@8.9-1.fc41?arch=x86_64&distro=fedora-41&epoch=2'
    """
    vendor, version = release.get("ID", ""), release.get("VERSION_ID", "")
    qualifiers = {
        "arch": one.arch,
        "epoch": "" if one.epoch is None else str(one.epoch),
        "distro": f"{vendor}-{version}" if vendor and version else "",
        "upstream": one.source,
    }
    filled = {name: value for name, value in qualifiers.items() if value}
    return PackageURL(
        "rpm", _NAMESPACES.get(vendor, vendor), one.name, one.whole, filled
    ).to_string()


__all__ = ["PLACES", "Rpm", "installed", "purl"]
