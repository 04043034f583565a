"""Small files that must not be lost: whole and on the disk before they get their name."""

from __future__ import annotations

import os
from pathlib import Path

from sealift import clock


def draft(path: Path, content: bytes, mode: int) -> Path:
    """A file beside ``path`` with this content, on the disk, under a name of its own."""
    made = path.with_name(f".{path.name}.{clock.token()}")
    try:
        with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as sink:
            sink.write(content)
            sink.flush()
            os.fsync(sink.fileno())
    except OSError:
        made.unlink(missing_ok=True)
        raise
    return made


def replace(path: Path, content: bytes, mode: int) -> None:
    """Put a file with this content in the place of ``path``, at once or not at all."""
    draft(path, content, mode).replace(path)
    sync(path.parent)


def keep(path: Path, content: bytes, mode: int) -> bool:
    """Make a file; False, and nothing is changed, where there is one of that name.

    A link fails where a rename would replace: of several who make it at once, one wins.
    """
    made = draft(path, content, mode)
    try:
        path.hardlink_to(made)
    except FileExistsError:
        return False
    finally:
        made.unlink()
    sync(path.parent)
    return True


def sync(folder: Path) -> None:
    """Have the names in a folder on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


__all__ = ["draft", "keep", "replace", "sync"]
