"""What the root file system of an image as a whole says of the packages in it.

For images of others, in which a layer may take away what one below it brought. Sources: dpkg(1),
``var/lib/dpkg/status``; Alpine's package format 2, the installed database; what ``rpms`` reads; the
rest as for layers.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from sealift.package import rpms
from sealift.package.contents import LARGEST, Contents, gathered, speaks
from sealift.package.control import stanzas

_STATUS = "var/lib/dpkg/status"
_APKS = ("lib/apk/db/installed", "usr/lib/apk/db/installed")
_RELEASES = ("usr/lib/os-release", "etc/os-release")
_UNREAD = {"rpm": ("var/lib/rpm", "usr/lib/sysimage/rpm"), "pacman": ("var/lib/pacman/local",)}
_INSTALLED = "install ok installed"
_APK_FIELD = re.compile(r"^([A-Za-z]):(.*)$", re.MULTILINE)


class Apk(msgspec.Struct, frozen=True, kw_only=True):
    """A package of Alpine: its licences as stated, an expression in most cases."""

    name: str
    version: str
    arch: str = ""
    licence: str = ""


class Whole(msgspec.Struct, frozen=True, kw_only=True):
    """The packages of an image; ``unread`` names package managers whose lists are not read."""

    contents: Contents
    apks: tuple[Apk, ...] = ()
    unread: tuple[str, ...] = ()


def look(root: Path) -> Whole:
    """The packages of the root file system in a folder, no link of which is followed."""
    texts = {name: text for name in _names(root) if (text := _text(root / name)) is not None}
    release = next((texts[name] for name in _RELEASES if texts.get(name)), "")
    made = gathered(texts, {})
    listed = {one["Package"]: text for one, text in _installed(texts.get(_STATUS, ""))}
    found = rpms.installed(root)
    return Whole(
        contents=msgspec.structs.replace(
            made, debs=listed | made.debs, release=release, rpms=found or ()
        ),
        apks=tuple(one for name in _APKS for one in _apks(texts.get(name, ""))),
        unread=tuple(
            name
            for name, places in _UNREAD.items()
            if any((root / one).is_dir() for one in places)
            and not (name == "rpm" and found is not None)
        ),
    )


def _names(root: Path) -> Iterator[str]:
    known = {_STATUS, *_APKS, *_RELEASES}
    for folder, _, files in os.walk(root):
        inside = Path(folder).relative_to(root)
        for file in files:
            name = (inside / file).as_posix()
            if name in known or speaks(name):
                yield name


def _text(path: Path) -> str | None:
    """The text of a plain file; None for a link, whose target may lie outside, and for a giant."""
    if path.is_symlink() or not path.is_file() or path.stat().st_size > LARGEST:
        return None
    return path.read_text(encoding="utf-8", errors="replace")


def _installed(status: str) -> Iterator[tuple[dict[str, str], str]]:
    """The stanzas of the packages that are installed, each with its text."""
    for text in status.split("\n\n"):
        one = next(stanzas(text), {})
        if one.get("Package") and one.get("Status", _INSTALLED) == _INSTALLED:
            yield one, text


def _apks(database: str) -> Iterator[Apk]:
    for text in database.split("\n\n"):
        fields = dict(_APK_FIELD.findall(text))
        if fields.get("P") and fields.get("V"):
            yield Apk(
                name=fields["P"],
                version=fields["V"],
                arch=fields.get("A", ""),
                licence=fields.get("L", ""),
            )


__all__ = ["Apk", "Whole", "look"]
