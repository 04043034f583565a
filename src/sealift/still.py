"""A folder as it was at one moment, while somebody writes to it.

Its files are linked aside within a moment in which nothing came, went or was renamed: so the copy
is what the folder was at that moment, whatever is done to it while the copy is sent.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

TRIES = 20
"""Attempts to see the folder twice the same; else it is looked at again the next time."""

Listing = tuple[tuple[str, int, int, int], ...]


def put_aside(folder: Path, copy: Path) -> Listing | None:
    """Make ``copy``, on the same file system, with links to all files; None: it was never still.

    What is given is what there was. Whoever writes has to rename what is done, not write on.
    """
    for _ in range(TRIES):
        if copy.exists():
            shutil.rmtree(copy)
        copy.mkdir(parents=True)
        before = listing(folder)
        with suppress(FileNotFoundError):
            _link(folder, copy)
            if _names(before) == _names(listing(folder)):
                return before
    return None


def filled(folder: Path) -> bool:
    """Whether there is a folder with anything in it."""
    return folder.is_dir() and any(folder.iterdir())


def listing(folder: Path) -> Listing:
    """What is below a folder: names, numbers of the files themselves, times and sizes."""
    found = []
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(parent, name)
            with suppress(FileNotFoundError):
                seen = path.lstat()
                found.append((str(path), seen.st_ino, seen.st_mtime_ns, seen.st_size))
    return tuple(sorted(found))


def _names(listing: Listing) -> list[tuple[str, int]]:
    """What a rename changes; a file that is being written, under another name, does not count."""
    return [(name, number) for name, number, _, _ in listing]


def _link(source: Path, target: Path) -> None:
    for parent, folders, files in os.walk(source):
        inner = target / Path(parent).relative_to(source)
        for name in folders:
            if Path(parent, name).is_symlink():
                shutil.copy(Path(parent, name), inner / name, follow_symlinks=False)
            else:
                (inner / name).mkdir()
        for name in files:
            os.link(Path(parent, name), inner / name, follow_symlinks=False)


__all__ = ["Listing", "filled", "listing", "put_aside"]
