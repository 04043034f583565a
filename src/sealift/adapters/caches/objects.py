"""What a cache is kept in: named contents, each there as a whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, Protocol


class Objects(Protocol):
    """Contents by name, such as files or the objects of a bucket. Names have slashes.

    Every method raises ``MachineError`` where the place cannot be reached.
    """

    def has(self, name: str) -> bool:
        """Whether there is one of this name."""
        ...

    def open(self, name: str) -> BinaryIO | None:
        """Read one from its beginning; None where there is none."""
        ...

    def put(self, name: str, content: bytes | Path, *, replace: bool) -> bool:
        """Write bytes, or those of a file; false where one is there that is not to be replaced."""
        ...

    def names(self, folder: str) -> list[str]:
        """All that begin with this folder's name, in order."""
        ...

    def remove(self, name: str) -> None:
        """Remove one. Nothing happens if it is not there."""
        ...


__all__ = ["Objects"]
