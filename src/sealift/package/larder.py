"""What was made once on this machine, kept in a folder for all projects.

A file in it carries the digest of its key and its content, which is compared whenever it is taken:
what a disk damaged, or a crash left half written, is made again. Files appear whole under their
names, so that any number of processes may use the folder, and may be deleted at any time.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from sealift import clock, digest
from sealift.archive import Entry
from sealift.package.layer import Part, Role, sorted_entries
from sealift.package.shelf import Shelves, Source
from sealift.record.image import Layer
from sealift.types import Digest

_Parts = list[tuple[str, dict[str, bytes]]]
_MARK = len(digest.of_bytes(b""))


class Larder:
    """A shelf whose parts come from the folder ``root`` where they were made before.

    Parts are plain files in folders: neither modes nor links are kept. Where the folder cannot be
    read or written, each is made.
    """

    def __init__(self, shelf: Shelves, root: Path) -> None:
        self._shelf = shelf
        self._root = root

    def layers(self, role: Role, source: Source, make: Callable[[], Iterable[Part]]) -> list[Layer]:
        """The layers of what ``source`` stands for, which ``make`` is asked for only if need be."""

        def parts() -> Iterator[Part]:
            found = self._taken(source.key)
            if found is None:
                found = [(one.holds, _files(one)) for one in make()]
                self._keep(source.key, found)
            for holds, files in found:
                entries = [Entry(name, "file", content=files[name]) for name in files]
                yield Part(holds, sorted_entries(entries))

        return self._shelf.layers(role, source, parts)

    def _taken(self, key: Digest) -> _Parts | None:
        try:
            kept = self._path(key).read_bytes()
        except OSError:
            return None
        mark, content = kept[:_MARK], kept[_MARK:]
        if mark != _mark(key, content):
            return None
        try:
            return msgspec.msgpack.decode(content, type=_Parts)
        except msgspec.MsgspecError:  # sound, as another version of Sealift writes it
            return None

    def _keep(self, key: Digest, parts: _Parts) -> None:
        content = msgspec.msgpack.encode(parts)
        path = self._path(key)
        part = path.with_suffix(f".{clock.token(12)}.part")
        with contextlib.suppress(OSError):
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                part.write_bytes(_mark(key, content) + content)
                part.replace(path)
            finally:
                part.unlink(missing_ok=True)

    def _path(self, key: Digest) -> Path:
        name = key.removeprefix("sha256:")
        return self._root / name[:2] / name


def _files(part: Part) -> dict[str, bytes]:
    """The files of a part by their names."""
    found = {}
    for entry in part.entries:
        if entry.kind == "file":
            with entry.open() as content:
                found[entry.name] = content.read()
    return found


def _mark(key: Digest, content: bytes) -> bytes:
    return digest.of_bytes(key.encode() + content).encode()


__all__ = ["Larder"]
