"""What the layers of an image say of the packages in them, as a bill of materials needs it.

Sources: distroless convention for ``var/lib/dpkg/status.d``; PyPA, "Recording installed projects"
(dist-info) and PEP 770 (``sboms`` in it); os-release(5).
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import csv
import io
import posixpath
import re
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec
import zstandard

from sealift import digest
from sealift.archive import Entry
from sealift.errors import IntegrityError
from sealift.layers import plain
from sealift.package import compiled, server, staticparts
from sealift.package.headers import headers
from sealift.package.inventory import clean
from sealift.package.notes import Notes
from sealift.package.rpms import Rpm
from sealift.ports import Store
from sealift.record.image import Layer
from sealift.record.pin import normal
from sealift.types import Digest

_CHUNK = 1 << 20
LARGEST = 16 << 20
"""The size of a file that is read, in bytes."""
_STATUS = re.compile(r"var/lib/dpkg/status\.d/([^/]+)")
_COPYRIGHT = re.compile(r"usr/share/doc/([^/]+)/copyright")
_INFO = re.compile(r"(?:.*/)?([^/]+)-([^/-]+)\.dist-info/(METADATA|WHEEL|RECORD|sboms/.+)")
_RELEASE = "usr/lib/os-release"
_COMPILED = re.compile(rf"{server.PLACE}/{compiled.FOLDER}/[^/]+\.so")
_LIBRARIES = re.compile(r"[^/]+\.libs/.+")
_SPEAKING = (_STATUS, _COPYRIGHT, _INFO, _COMPILED)


class Wheel(msgspec.Struct, frozen=True, kw_only=True):
    """An installed wheel: its metadata, and what it says of the parts that it brings along.

    ``libraries`` are shared libraries of others that were put into it, with their SHA-256 in
    hexadecimal digits; ``sboms`` the bills of materials in it, by name.
    """

    name: str
    version: str
    metadata: str = ""
    libraries: dict[str, str] = {}
    sboms: dict[str, str] = {}


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """The packages of a layer.

    ``debs`` holds the control stanzas of Debian packages by name, ``copyrights`` their copyright
    files, ``release`` the text of os-release. ``unpacked`` is the size of all files in bytes,
    ``sizes`` the part of each package, as far as lists of its files tell. ``parts`` are the
    libraries that are linked into the server's compiled part, with their versions. ``rpms`` are
    told of an image as a whole alone.
    """

    debs: dict[str, str] = {}
    copyrights: dict[str, str] = {}
    wheels: tuple[Wheel, ...] = ()
    release: str = ""
    unpacked: int = 0
    sizes: dict[str, int] = {}
    parts: dict[str, str] = {}
    rpms: tuple[Rpm, ...] = ()


class Reader:
    """Reads the layers of a store, each once: what was read is noted in the folder ``notes``.

    Losing the notes costs time alone.
    """

    def __init__(self, store: Store, notes: Path) -> None:
        self._store = store
        self._notes = Notes(notes)

    def contents(self, layer: Layer) -> Contents:
        """What is in a layer. Raises ``IntegrityError`` when it is damaged."""
        key = _key(layer)
        if found := self._notes.get(key, Contents):
            return found
        made = self._read(layer)
        self._notes.put(key, made)
        return made

    def note(self, layer: Layer, entries: Iterable[Entry]) -> None:
        """Note what is in a layer of these entries, which then need not be read from the store."""
        self._notes.put(_key(layer), of_entries(entries))

    def _read(self, layer: Layer) -> Contents:
        try:
            with self._store.open(layer.descriptor.digest) as blob:
                if layer.role == "model":
                    return _model(blob, layer.descriptor.size)
                return take(blob, layer.descriptor.media_type)
        except IntegrityError as error:
            raise IntegrityError(
                error.what,
                where=layer.descriptor.digest,
                remedy="Delete the folder .sealift/layers; then the layer is made again.",
            ) from error


def _key(layer: Layer) -> Digest:
    """What stands for all that this code reads of a layer: other code, another key."""
    code = digest.of_file(Path(__file__))
    return digest.of_json([code, str(layer.descriptor.digest)])


def take(blob: BinaryIO, media_type: str) -> Contents:
    """The packages of a layer's blob, which is read once, to its end.

    Raises ``IntegrityError`` when the layer is damaged, ``PackageError`` for a type of layer that
    cannot be read.
    """
    texts: dict[str, str] = {}
    files: dict[str, int] = {}
    try:
        with tarfile.open(fileobj=plain(blob, media_type), mode="r|", bufsize=_CHUNK) as tar:
            for info in tar:
                name = clean(info.name)
                if info.isreg():
                    files[name] = info.size
                if info.isreg() and info.size <= LARGEST and speaks(name):
                    content = tar.extractfile(info) or io.BytesIO()
                    texts[name] = content.read().decode(errors="replace")
        while blob.read(_CHUNK):
            pass
    except (tarfile.TarError, EOFError, zlib.error, zstandard.ZstdError) as error:
        raise IntegrityError(f"A layer cannot be read: {error}.") from error
    return gathered(texts, files)


def _model(blob: BinaryIO, size: int) -> Contents:
    """What a layer of a model holds: files, and no packages."""
    try:
        return Contents(unpacked=sum(one.size for one in headers(blob, size) if one.isfile()))
    except tarfile.TarError as error:
        raise IntegrityError(f"A layer cannot be read: {error}.") from error


def of_entries(entries: Iterable[Entry]) -> Contents:
    """The packages of the layer that these entries are written to: as ``take`` reads it there."""
    texts: dict[str, str] = {}
    files: dict[str, int] = {}
    for entry in entries:
        if entry.kind == "file":
            name = clean(entry.name)
            files[name] = entry.size
            if files[name] <= LARGEST and speaks(name):
                with entry.open() as content:
                    texts[name] = content.read().decode(errors="replace")
    return gathered(texts, files)


def gathered(texts: dict[str, str], files: dict[str, int]) -> Contents:
    """The packages that texts tell of, by their paths from the root; ``files`` has all sizes."""
    stanzas = {found[1]: text for found, text in _matching(_STATUS, texts)}
    return Contents(
        debs={name: text for name, text in stanzas.items() if not name.endswith(".md5sums")},
        copyrights={found[1]: text for found, text in _matching(_COPYRIGHT, texts)},
        wheels=tuple(_wheels(texts)),
        release=texts.get(_RELEASE, ""),
        unpacked=sum(files.values()),
        sizes=dict(_sizes(texts, files)),
        parts=dict(_parts(texts)),
    )


def speaks(name: str) -> bool:
    """Whether the file of this path from the root tells of packages."""
    return name == _RELEASE or any(p.fullmatch(name) for p in _SPEAKING)


def _parts(texts: dict[str, str]) -> Iterator[tuple[str, str]]:
    """The libraries that are linked into others, by what these say."""
    for _, text in _matching(_COMPILED, texts):
        yield from staticparts.said(text.encode()).items()


def _matching(
    pattern: re.Pattern[str], texts: dict[str, str]
) -> Iterator[tuple[re.Match[str], str]]:
    for name in sorted(texts):
        if found := pattern.fullmatch(name):
            yield found, texts[name]


def _wheels(texts: dict[str, str]) -> Iterator[Wheel]:
    parts: dict[tuple[str, str], dict[str, str]] = {}
    for found, text in _matching(_INFO, texts):
        parts.setdefault((normal(found[1]), found[2]), {})[found[3]] = text
    for (name, version), files in sorted(parts.items()):
        if files.keys() == {"RECORD"}:
            continue  # a list alone: the wheel lies in a layer below, which tells of it
        sboms = {file: text for file, text in files.items() if file.startswith("sboms/")}
        yield Wheel(
            name=name,
            version=version,
            metadata=files.get("METADATA", ""),
            libraries=dict(_libraries(files.get("RECORD", ""))),
            sboms=sboms,
        )


def _sizes(texts: dict[str, str], files: dict[str, int]) -> Iterator[tuple[str, int]]:
    """The bytes of the files that each package lists."""
    for found, text in _matching(_STATUS, texts):
        if found[1].endswith(".md5sums"):
            names = (line[34:] for line in text.splitlines())
            yield found[1].removesuffix(".md5sums"), sum(files.get(name, 0) for name in names)
    for found, text in _matching(_INFO, texts):
        if found[3] == "RECORD":
            root = found[0].rpartition("/")[0].rpartition("/")[0]
            paths = (posixpath.normpath(f"{root}/{row[0]}") for row in _rows(text) if row)
            yield normal(found[1]), sum(files.get(path, 0) for path in paths)


def _libraries(record: str) -> Iterator[tuple[str, str]]:
    """The libraries that a list of installed files names, with their digests."""
    for row in _rows(record):
        if len(row) > 1 and _LIBRARIES.fullmatch(row[0]) and row[1].startswith("sha256="):
            text = row[1].removeprefix("sha256=")
            try:
                raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            except binascii.Error:
                continue
            yield row[0], raw.hex()


def _rows(record: str) -> Iterator[list[str]]:
    """The lines of a list of installed files, as far as it is one."""
    with contextlib.suppress(csv.Error):
        yield from csv.reader(io.StringIO(record))


__all__ = ["LARGEST", "Contents", "Reader", "Wheel", "gathered", "of_entries", "speaks", "take"]
