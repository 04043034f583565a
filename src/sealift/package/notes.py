"""Notes on past work: records in a folder, each by the digest of what it was made from."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec

from sealift import clock, digest
from sealift.types import Digest

T = TypeVar("T", bound=msgspec.Struct)


class Notes:
    """The notes in ``folder``. Losing any of them costs time alone.

    >>> import tempfile
    >>> from sealift import digest
    >>> from sealift.record.dataset import Entry
    >>> notes, key = Notes(Path(tempfile.mkdtemp()) / "notes"), digest.of_json(["a"])
    >>> notes.get(key, Entry)
    >>> notes.put(key, Entry(path="a.csv", size=1, digest=key))
    >>> notes.get(key, Entry).path
    'a.csv'
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, key: Digest, kind: type[T]) -> T | None:
        """The record under ``key``; None when there is none, or none that can be read."""
        try:
            return msgspec.json.decode(self._path(key).read_bytes(), type=kind)
        except (FileNotFoundError, msgspec.MsgspecError):
            return None

    def mark(self, key: Digest) -> Digest | None:
        """The digest of what is noted under ``key``; None when nothing is."""
        try:
            return digest.of_file(self._path(key))
        except FileNotFoundError:
            return None

    def put(self, key: Digest, record: msgspec.Struct) -> None:
        """Keep a record, whole or not at all. Raises ``OSError`` where it cannot be written."""
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{clock.token(8)}")
        try:
            part.write_bytes(msgspec.json.encode(record))
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    def _path(self, key: Digest) -> Path:
        return self.folder / f"{key.removeprefix('sha256:')}.json"


__all__ = ["Notes"]
