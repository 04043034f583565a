"""Pinning a dataset: which files it holds and what is in them, without copying any."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sealift import digest
from sealift.data.find import find
from sealift.data.memory import Memory
from sealift.errors import DataError
from sealift.folders import Folders
from sealift.record.dataset import Entry, Snapshot
from sealift.record.project import Source
from sealift.types import Digest, Json


def snapshot(root: Path, name: str, source: Source) -> Snapshot:
    """The present state of a dataset of the project at ``root``.

    Files below ``root`` are named by their path relative to it, others by their absolute path.
    Raises ``DataError`` when nothing is there, or a file cannot be read or changes meanwhile.
    """
    entries = _entries(root, name, find(root, source.uri))
    return Snapshot(name=name, uri=source.uri, digest=content(entries), entries=entries)


def verify(root: Path, pinned: Snapshot) -> None:
    """Raises ``DataError`` that names the files that are gone or hold something else by now."""
    missing = [entry.path for entry in pinned.entries if not (root / entry.path).is_file()]
    here = [Path(entry.path) for entry in pinned.entries if entry.path not in set(missing)]
    now = {entry.path: entry for entry in _entries(root, pinned.name, here)}
    changed = [entry.path for entry in pinned.entries if not _same(entry, now.get(entry.path))]
    if changed:
        moved = [f"{path} ({'gone' if path in missing else 'changed'})" for path in changed]
        more = f" and {len(moved) - 3} more" if len(moved) > 3 else ""
        raise DataError(
            f"The dataset {pinned.name!r} is not what was pinned: {', '.join(moved[:3])}{more}.",
            where=str(root / changed[0]),
            remedy="Put the files back, or run `sealift train` again to pin the new state.",
        )


def content(entries: Sequence[Entry]) -> Digest:
    """The digest of a snapshot: of the paths, sizes, contents and execute bits of its files."""
    items: list[Json] = [
        [entry.path, entry.size, entry.digest, *(["exec"] if entry.executable else [])]
        for entry in entries
    ]
    return digest.of_json(items)


def _same(pinned: Entry, now: Entry | None) -> bool:
    return now is not None and (now.digest, now.executable) == (pinned.digest, pinned.executable)


class Files:
    """The port ``Lake`` for files on disk, as the project at ``root`` sees them."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def pin(self, name: str, source: Source) -> Snapshot:
        """See ``snapshot``."""
        return snapshot(self._root, name, source)

    def verify(self, pinned: Snapshot) -> None:
        """See ``verify``."""
        verify(self._root, pinned)


def _entries(root: Path, name: str, files: Sequence[Path]) -> tuple[Entry, ...]:
    memory = Memory(Folders(root).state / "digests" / f"{name}.json")
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        looked = list(pool.map(memory.look, [root / file for file in files]))
    memory.keep()
    return tuple(
        Entry(path=file.as_posix(), size=size, digest=address, executable=runs)
        for file, (size, address, runs) in zip(files, looked, strict=True)
    )


__all__ = ["Files", "content", "snapshot", "verify"]
