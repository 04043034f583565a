"""What is installed in the root file system of an image, as its files tell.

Sources: PyPA, "Recording installed projects" (dist-info, RECORD); Debian Policy 5.3 (control
fields), dpkg(1) (``var/lib/dpkg/status``), and the folder ``status.d`` of images without dpkg.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from sealift.record.pin import normal

_INFO = re.compile(r"([^/]+)-([^/-]+)\.dist-info")
_FIELD = re.compile(r"^(Package|Source|Version|Status): *(.+)$", re.MULTILINE)
_SOURCE = re.compile(r"(\S+)(?: \(([^)]+)\))?")
_STATUS = "var/lib/dpkg/status"
_STATUSES = "var/lib/dpkg/status.d"
_INSTALLED = "install ok installed"
_SUMS = ".md5sums"


class Wheel(msgspec.Struct, frozen=True, kw_only=True):
    """An installed wheel; ``info`` is its folder of metadata, from the root."""

    name: str
    version: str
    info: str

    @property
    def site(self) -> str:
        """The folder that it is installed to, from the root."""
        return self.info.rpartition("/")[0]


class Deb(msgspec.Struct, frozen=True, kw_only=True):
    """An installed Debian package, and the source package that it was made from."""

    name: str
    version: str
    source: str
    source_version: str


def wheels(root: Path) -> list[Wheel]:
    """Every wheel below a root; no link is followed."""
    found = []
    for folder, names, _ in os.walk(root):
        inner = Path(folder).relative_to(root).as_posix()
        for name in names:
            if match := _INFO.fullmatch(name):
                found.append(Wheel(name=normal(match[1]), version=match[2], info=f"{inner}/{name}"))
    return sorted(found, key=lambda one: one.info)


def listed(root: Path, wheel: Wheel) -> Iterator[tuple[str, str]]:
    """The files that a wheel lists, from the root, each with its digest in base64 or nothing."""
    try:
        text = (root / wheel.info / "RECORD").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    for row in csv.reader(text.splitlines()):
        if row:
            path = os.path.normpath(f"{wheel.site}/{row[0]}")
            stated = row[1] if len(row) > 1 else ""
            yield path, stated.removeprefix("sha256=") if stated.startswith("sha256=") else ""


def debs(root: Path) -> list[Deb]:
    """Every Debian package below a root."""
    try:
        texts = (root / _STATUS).read_text(encoding="utf-8", errors="replace").split("\n\n")
    except OSError:
        texts = []
    folder = root / _STATUSES
    for file in sorted(folder.iterdir()) if folder.is_dir() else ():
        if not file.name.endswith(_SUMS):
            texts.append(file.read_text(encoding="utf-8", errors="replace"))
    found = {one.name: one for text in texts if (one := deb(text))}
    return [found[name] for name in sorted(found)]


def deb(stanza: str) -> Deb | None:
    """The package that a stanza of dpkg's tells of; None for one that is not installed.

    >>> deb("Package: libssl3\\nSource: openssl (3.5.1-1)\\nVersion: 3.5.1-1+b1")
    Deb(name='libssl3', version='3.5.1-1+b1', source='openssl', source_version='3.5.1-1')
    """
    fields = {name: text.strip() for name, text in _FIELD.findall(stanza)}
    name, version = fields.get("Package", ""), fields.get("Version", "")
    if not name or not version or fields.get("Status", _INSTALLED) != _INSTALLED:
        return None
    match = _SOURCE.match(fields.get("Source", name))
    source, stated = (match[1], match[2]) if match else (name, None)
    return Deb(name=name, version=version, source=source, source_version=stated or version)


def sums(root: Path, package: Deb) -> Iterator[tuple[str, str]]:
    """The files that a Debian package lists, from the root, each with its MD5 in hexadecimal."""
    try:
        text = (root / _STATUSES / f"{package.name}{_SUMS}").read_text(errors="replace")
    except OSError:
        return
    for line in text.splitlines():
        digest, _, path = line.partition("  ")
        if path:
            yield path, digest


def release(root: Path) -> tuple[str, str]:
    """The distribution by os-release(5): its name and the number of its version."""
    for place in ("usr/lib/os-release", "etc/os-release"):
        file = root / place
        if file.is_file() and not file.is_symlink():
            pairs = dict(
                line.partition("=")[::2] for line in file.read_text(errors="replace").splitlines()
            )
            named = pairs.get("ID", "").strip("\"' "), pairs.get("VERSION_ID", "").strip("\"' ")
            if named[0]:
                return named
    return "", ""


__all__ = ["Deb", "Wheel", "deb", "debs", "listed", "release", "sums", "wheels"]
