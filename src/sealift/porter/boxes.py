"""What a step wrote, packed for its way: one tar a path, each as long as it is needed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sealift import archive
from sealift.kubernetes.porter import Sending

_OUTBOX = ".sending"


def boxed(sending: Sending) -> Iterator[tuple[str, Path]]:
    """Paths as the step saw them, and their contents packed as a store packs them.

    What is not there is left out: whoever asked for it says that it is missing.
    """
    for path, (volume, inner) in sending.paths.items():
        root = Path(volume)
        found = (root / inner if inner else root).resolve()
        if not found.exists() or not found.is_relative_to(root.resolve()):
            continue
        box = root.parent / _OUTBOX
        with box.open("wb") as file:
            for piece in archive.pack(_tree(found)):
                file.write(piece)
        yield path, box
        box.unlink()


def _tree(found: Path) -> Iterator[archive.Entry]:
    """What a store packs of a file or a folder, so that it has the same digest there."""
    if found.is_dir():
        yield from archive.entries(found)
    else:
        yield archive.file_entry("content", found)


__all__ = ["boxed"]
