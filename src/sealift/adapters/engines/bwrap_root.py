"""The root of a sandbox, put together from an unpacked image.

A mount needs a place to be mounted on, and nothing can be created on a read-only image. So the root
is an empty file system of its own on which the image's top entries appear, each read-only; where a
mount point is missing inside one of them, that folder is taken apart in the same way, down to the
place that is missing. The empty file system itself is made read-only at the end.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from pathlib import Path

from sealift.errors import UsageError

OWN = ("/dev", "/proc", "/tmp")  # noqa: S108 -- names inside the sandbox
"""Top folders that are made anew, whatever the image has there."""

LINKS = 40
"""As many symbolic links as Linux follows in one path."""


def place(root: Path, target: str) -> str:
    """Where ``target`` really is in the image at ``root``: its symbolic links followed inside it.

    Raises ``UsageError`` when the links go round in a circle.
    """
    done, todo, links = "/", _parts(target), 0
    while todo:
        part, *todo = todo
        if part == "..":
            done = posixpath.dirname(done)
            continue
        here = posixpath.join(done, part)
        inside = root / here[1:]
        if not inside.is_symlink():
            done = here
            continue
        links += 1
        if links > LINKS:
            raise UsageError(f"The links of the image at {target} go round in a circle.")
        aim = str(inside.readlink())
        done, todo = "/" if aim.startswith("/") else done, _parts(aim) + todo
    return done


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def assemble(root: Path, places: Iterable[str]) -> list[str]:
    """The options that show the image at ``root`` and leave room for mounts at ``places``.

    ``places`` are absolute and come from ``place``. What exists is not taken apart.
    """
    missing = [path for path in places if not (root / path[1:]).exists()]
    return [word for words in _show(root, "/", missing) for word in words]


def _show(root: Path, folder: str, missing: list[str]) -> Iterator[tuple[str, ...]]:
    for entry in sorted((root / folder[1:]).iterdir()):
        path = posixpath.join(folder, entry.name)
        if path in OWN:
            continue
        if entry.is_symlink():
            yield "--symlink", str(entry.readlink()), path
        elif any(name.startswith(path + "/") for name in missing):
            yield "--dir", path
            yield from _show(root, path, missing)
        else:
            yield "--ro-bind", str(entry), path


__all__ = ["assemble", "place"]
