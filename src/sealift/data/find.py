"""Which files a path or a glob stands for, always in the same order."""

from __future__ import annotations

import difflib
import fnmatch
import os
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from sealift.errors import DataError

MAGIC = frozenset("*?[")


def find(root: Path, uri: str) -> list[Path]:
    """The files that ``uri`` names, sorted by the bytes of their paths.

    A relative ``uri`` is looked up below ``root``. It names a file, a folder (all files below it)
    or a glob: ``*``, ``?`` and ``[...]`` within a name, ``**`` for any number of folders. Names
    that begin with a dot are taken only where the pattern says so. Links are followed. Paths
    below ``root`` come back relative to it, others absolute.

    Raises ``DataError`` when nothing is there, with the nearest name that is.
    """
    literal = root / uri
    if not MAGIC & set(uri) or os.path.lexists(literal):
        found = _below(literal, _readable(literal, root), ())
    else:
        base, parts = _split(uri)
        start = root / base
        trail = (_identity(start),) if start.is_dir() else ()
        found = (file for match in _matches(start, parts, trail) for file in match)
    files = sorted(set(found), key=os.fsencode)
    if not files:
        raise _nothing(root, uri)
    return [_named(file, root) for file in files]


def _split(uri: str) -> tuple[str, tuple[str, ...]]:
    """The folder that a glob starts from, and its parts from the first magic one."""
    parts = PurePosixPath(uri).parts
    fixed = next(number for number, part in enumerate(parts) if MAGIC & set(part))
    return "/".join(parts[:fixed]).replace("//", "/", 1) or ".", parts[fixed:]


def _matches(
    folder: Path, parts: tuple[str, ...], trail: tuple[tuple[int, int], ...]
) -> Iterator[Iterator[Path]]:
    part, rest = parts[0], parts[1:]
    if part == "**":
        yield from _matches(folder, rest, trail) if rest else [_below(folder, None, ())]
        if not rest:
            return
    for path, mode in _entries(folder, "*" if part == "**" else part):
        if part != "**" and not rest:
            yield _below(path, mode, trail)
        elif stat.S_ISDIR(mode) and (here := _identity(path)) not in trail:
            yield from _matches(path, parts if part == "**" else rest, (*trail, here))


def _below(path: Path, mode: int | None, trail: tuple[tuple[int, int], ...]) -> Iterator[Path]:
    """The file itself, or every file below the folder; a link back to a parent ends the way."""
    if mode is not None and stat.S_ISREG(mode):
        yield path
        return
    if mode is not None and not stat.S_ISDIR(mode):
        raise DataError("A pipe, socket or device is no data.", where=str(path), remedy="Move it.")
    here = _identity(path)
    if here in trail:
        return
    for entry, inner in _entries(path, "*"):
        yield from _below(entry, inner, (*trail, here))


def _entries(folder: Path, pattern: str) -> Iterator[tuple[Path, int]]:
    """The entries whose names fit a pattern, with the modes of what they lead to, by name."""
    if not folder.is_dir():
        return
    try:
        entries = sorted(folder.iterdir(), key=os.fsencode)
    except OSError as error:
        raise _unreadable(folder, error) from error
    for entry in entries:
        if _fits(entry.name, pattern):
            yield entry, _readable(entry, folder)


def _readable(path: Path, root: Path) -> int:
    """The mode of what a path leads to."""
    try:
        return path.stat().st_mode
    except FileNotFoundError as error:
        if path.is_symlink():
            raise DataError(
                f"The link {path.name!r} leads to nothing: {path.readlink()}.",
                where=str(path),
                remedy="Mend or remove the link.",
            ) from error
        raise _nothing(root, str(path)) from error
    except OSError as error:
        raise _unreadable(path, error) from error


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def _named(file: Path, root: Path) -> Path:
    """The path as a snapshot names it; it must be text, so that it can be written down."""
    try:
        os.fspath(file).encode()
    except UnicodeEncodeError as error:
        raise DataError(
            "The name of a file is not UTF-8 text.", where=repr(str(file)), remedy="Rename it."
        ) from error
    return file.relative_to(root) if file.is_relative_to(root) else file


def _fits(name: str, part: str) -> bool:
    if name.startswith(".") and not part.startswith("."):
        return False
    return fnmatch.fnmatchcase(name, part)


def _nothing(root: Path, uri: str) -> DataError:
    """Names the first part of a path that is not there, and what lies beside it."""
    here = Path(uri) if Path(uri).is_absolute() else root / uri
    there = next(parent for parent in here.parents if parent.is_dir())
    missing = here.relative_to(there).parts[0]
    if MAGIC & set(missing):
        remedy = f"Put files there, or change the pattern; {_listing(there)}"
    elif near := difflib.get_close_matches(missing, _names(there), n=1, cutoff=0.5):
        remedy = f"Did you mean {near[0]!r}?"
    else:
        remedy = f"Put it there, or change the path; {_listing(there)}"
    return DataError(f"No file matches {uri!r}.", where=str(there / missing), remedy=remedy)


def _listing(folder: Path) -> str:
    names = _names(folder)
    shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    return f"{folder} holds {shown}." if names else f"{folder} is empty."


def _names(folder: Path) -> list[str]:
    try:
        return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    except OSError:
        return []


def _unreadable(path: Path, error: OSError) -> DataError:
    return DataError(
        f"This cannot be read: {error.strerror}.",
        where=str(path),
        remedy="Give yourself the right to read it.",
    )


__all__ = ["find"]
