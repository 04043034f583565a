"""Reading Debian binary packages, without dpkg. Format: deb(5) and ar(5)."""

from __future__ import annotations

import io
import lzma
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import zstandard

from sealift.errors import PackageError

_MAGIC = b"!<arch>\n"
_HEADER = 60


@dataclass(frozen=True)
class Item:
    """A file, folder or symbolic link of a package; ``name`` is relative, without ``./``."""

    name: str
    kind: Literal["file", "folder", "link"]
    mode: int
    content: bytes = b""
    target: str = ""


@dataclass(frozen=True)
class Package:
    """A package in memory: its control file, its list of MD5 sums, and what it would install."""

    control: str
    sums: str
    items: tuple[Item, ...]


def read(path: Path) -> Package:
    """Read a package. Raises ``PackageError`` when the file is not one, or is damaged."""
    parts = dict(_members(path.read_bytes(), path))
    if b"debian-binary" not in parts or not parts[b"debian-binary"].startswith(b"2."):
        raise PackageError("This is not a Debian package of format 2.", where=str(path))
    try:
        controls = {item.name: item.content for item in _items(_tar(parts, b"control.tar"))}
        items = tuple(_items(_tar(parts, b"data.tar")))
        sums = controls.get("md5sums", b"").decode()
        return Package(controls["control"].decode(), sums, items)
    except (tarfile.TarError, EOFError, KeyError, UnicodeError, StopIteration) as error:
        raise PackageError(f"A Debian package is damaged: {error!r}.", where=str(path)) from error
    except (lzma.LZMAError, zlib.error, zstandard.ZstdError, OSError) as error:
        raise PackageError(f"A Debian package is damaged: {error}.", where=str(path)) from error


def _members(data: bytes, path: Path) -> Iterator[tuple[bytes, bytes]]:
    """The members of an ar archive: name and content."""
    if not data.startswith(_MAGIC):
        raise PackageError("This is not a Debian package.", where=str(path))
    at = len(_MAGIC)
    while at + _HEADER <= len(data):
        header = data[at : at + _HEADER]
        size = header[48:58].strip()
        end = at + _HEADER + (int(size) if size.isdigit() else len(data))
        if header[58:] != b"`\n" or end > len(data):
            raise PackageError("A Debian package is cut off or damaged.", where=str(path))
        yield header[:16].rstrip().rstrip(b"/"), data[at + _HEADER : end]
        at = end + end % 2


def _tar(parts: dict[bytes, bytes], stem: bytes) -> bytes:
    name = next(name for name in parts if name.startswith(stem))
    data, form = parts[name], name.removeprefix(stem)
    if form == b".xz":
        return lzma.decompress(data)
    if form == b".gz":
        return zlib.decompress(data, wbits=31)
    if form == b".zst":
        return zstandard.ZstdDecompressor().decompressobj().decompress(data)
    if form == b"":
        return data
    raise KeyError(name.decode())


def _items(data: bytes) -> Iterator[Item]:
    """The items of a tar; a hard link becomes a copy of what it links to."""
    files: dict[str, Item] = {}
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
        for info in tar:
            name = _clean(info.name)
            if info.isdir():
                yield Item(name, "folder", info.mode)
            elif info.issym():
                yield Item(name, "link", 0o777, target=info.linkname)
            elif info.isreg() or info.islnk():
                if info.islnk():
                    content = files[_clean(info.linkname)].content
                else:
                    content = (tar.extractfile(info) or io.BytesIO()).read()
                files[name] = Item(name, "file", info.mode, content)
                yield files[name]
            else:
                raise tarfile.ReadError(f"unfit member {info.name}")


def _clean(name: str) -> str:
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts:
        raise tarfile.ReadError(f"unfit name {name}")
    return "/".join(parts)


__all__ = ["Item", "Package", "read"]
