"""Content addresses: of bytes, of files, of JSON values and of file trees."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from sealift.types import Digest, Json

CHUNK = 1 << 20


def of_bytes(data: bytes) -> Digest:
    """The digest of bytes in memory.

    >>> of_bytes(b"{}")
    'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a'
    """
    return Digest("sha256:" + hashlib.sha256(data).hexdigest())


def of_stream(stream: BinaryIO) -> Digest:
    """The digest of all that remains in a stream, read in pieces of 1 MiB."""
    whole = hashlib.sha256()
    while piece := stream.read(CHUNK):
        whole.update(piece)
    return Digest("sha256:" + whole.hexdigest())


def of_file(path: Path) -> Digest:
    """The digest of a file's bytes."""
    with path.open("rb") as stream:
        return of_stream(stream)


def canonical(value: Json) -> bytes:
    """JSON with sorted keys, no spaces and no non-ASCII escapes: equal values, equal bytes.

    Raises ``ValueError`` for NaN and infinities, which JSON cannot hold.

    >>> canonical({"b": 1, "a": [True, None]})
    b'{"a":[true,null],"b":1}'
    """
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def of_json(value: Json) -> Digest:
    """The digest of a JSON value in its canonical form."""
    return of_bytes(canonical(value))


def walk(root: Path) -> Iterator[Path]:
    """Every file and symbolic link below ``root``, in an order that depends on names alone."""
    if root.is_file() or root.is_symlink():
        yield root
        return
    for entry in sorted(root.iterdir(), key=lambda path: path.name.encode()):
        if entry.is_dir() and not entry.is_symlink():
            yield from walk(entry)
        else:
            yield entry


def of_tree(root: Path, files: Iterable[Path] | None = None) -> Digest:
    """The digest of a tree: relative names, execute bits, link targets and contents.

    Owners, times and empty directories do not count, so that a copy has the same digest.
    ``files`` narrows the tree to these paths below ``root``; a missing one raises
    ``FileNotFoundError``.
    """
    entries: list[Json] = []
    for path in sorted(set(files if files is not None else walk(root))):
        name = path.relative_to(root).as_posix()
        if path.is_symlink():
            entries.append([name, "link", str(path.readlink())])
        else:
            kind = "exec" if path.stat().st_mode & 0o100 else "file"
            entries.append([name, kind, of_file(path)])
    return of_json(entries)


def short(digest: Digest | str) -> str:
    """Twelve hexadecimal digits, for people.

    >>> short("sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a")
    '44136fa355b3'
    """
    return digest.removeprefix("sha256:")[:12]


__all__ = ["canonical", "of_bytes", "of_file", "of_json", "of_stream", "of_tree", "short", "walk"]
