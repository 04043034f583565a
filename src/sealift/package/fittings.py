"""What is put on top of an image of others, so that Sealift's layers fit on it.

Wheels of the base that the lock has in another version are taken away, or two of them would lie in
one folder. Whiteouts: image-spec 1.1, layer.md.
"""

from __future__ import annotations

import csv
import io
import posixpath
import re
import tarfile
import zlib
from collections.abc import Iterator, Mapping

import zstandard

from sealift.archive import Entry
from sealift.errors import IntegrityError
from sealift.layers import plain
from sealift.package.inventory import clean
from sealift.ports import Store
from sealift.record.image import Layer
from sealift.record.lock import Foundation
from sealift.record.pin import normal

_RECORD = re.compile(r"(?P<name>[^/]+)-(?P<version>[^/-]+)\.dist-info/RECORD")
_OPEN = ("tmp", "var/tmp")


def entries(founded: Foundation) -> Iterator[Entry]:
    """The files of the layer on top of a base."""
    for name in founded.folders:
        yield Entry(name=name, kind="folder", mode=0o1777 if name in _OPEN else 0o755)
    for name in founded.links:
        yield Entry(name=name, kind="link", mode=0o777, target=f"/{founded.python}")
    for name in founded.hidden:
        above, last = posixpath.split(name)
        yield Entry(name=f"{above}/.wh.{last}", kind="file")


def hidden(founded: Foundation, versions: Mapping[str, str], store: Store) -> tuple[str, ...]:
    """What has to go of the wheels of a base that are to be there in other versions.

    ``versions`` are those that are to be there, by name. A folder that is one wheel's alone goes as
    a whole. Raises ``IntegrityError`` for a damaged layer.
    """
    there: set[str] = set()
    records: dict[str, str] = {}
    for layer in founded.layers:
        for name, text in _below(layer, founded.packages, store):
            there.add(name)
            if text is not None:
                records[name] = text
    found: set[str] = set()
    for name, text in records.items():
        match = _RECORD.fullmatch(name)
        wanted = versions.get(normal(match["name"])) if match else None
        if match and wanted not in (None, match["version"]):
            found |= set(_gone({row[0] for row in csv.reader(io.StringIO(text)) if row}, there))
    return tuple(f"{founded.packages}/{name}" for name in sorted(found))


def _gone(listed: set[str], there: set[str]) -> Iterator[str]:
    """The shortest names for all files that a wheel lists, as far as they are there."""
    own = {posixpath.normpath(name) for name in listed} & there
    for top in {name.partition("/")[0] for name in own}:
        below = {name for name in there if name == top or name.startswith(f"{top}/")}
        kept = {name for name in below - own if not name.endswith(".pyc")}
        yield from {name for name in own if name in below} if kept else {top}


def _below(layer: Layer, folder: str, store: Store) -> Iterator[tuple[str, str | None]]:
    """The files of a layer below a folder, and the texts of lists of wheels' files."""
    descriptor = layer.descriptor
    try:
        with (
            store.open(descriptor.digest) as blob,
            tarfile.open(fileobj=plain(blob, descriptor.media_type), mode="r|") as tar,
        ):
            for info in tar:
                name = clean(info.name)
                if name.startswith(f"{folder}/") and not info.isdir():
                    inner = name.removeprefix(f"{folder}/")
                    content = tar.extractfile(info) if _RECORD.fullmatch(inner) else None
                    yield inner, content.read().decode(errors="replace") if content else None
    except (tarfile.TarError, EOFError, zlib.error, zstandard.ZstdError) as error:
        raise IntegrityError(
            f"A layer of the base cannot be read: {error}.", where=descriptor.digest
        ) from error


__all__ = ["entries", "hidden"]
