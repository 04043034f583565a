"""The pinned state of a dataset."""

from __future__ import annotations

import msgspec

from sealift.types import Digest


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a snapshot: path relative to the project, size in bytes, content digest.

    ``executable`` files are told apart, since a step can see the difference.
    """

    path: str
    size: int
    digest: Digest
    executable: bool = False


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What a dataset held when it was pinned; ``digest`` covers paths, sizes, contents
    and execute bits."""

    name: str
    uri: str
    digest: Digest
    entries: tuple[Entry, ...]

    @property
    def size(self) -> int:
        """Bytes in all its files."""
        return sum(entry.size for entry in self.entries)
