"""Unpacking tars that cannot be trusted, and removing what was unpacked."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

from sealift.archive import leads_out
from sealift.errors import IntegrityError, MachineError
from sealift.folders import unwritable

CHUNK = 1 << 20


def once(target: Path, make: Callable[[Path], None]) -> Path:
    """``target``, made by ``make`` under another name if it is not there yet, then renamed.

    A second process waits for the first; what a killed one left behind is removed.
    """
    if os.path.lexists(target):
        return target
    part = target.with_name(f"{target.name}.part")
    with _held(target.with_name(f"{target.name}.lock")):
        if not os.path.lexists(target):
            remove(part)
            try:
                make(part)
                part.rename(target)
            except OSError as error:
                raise MachineError(
                    f"Content of the store cannot be unpacked: {error.strerror or error}.",
                    where=str(target.parent),
                    remedy="Free some space, or make the folder writable.",
                ) from error
            finally:
                remove(part)
    return target


@contextlib.contextmanager
def _held(path: Path) -> Iterator[None]:
    """Hold a lock file; it stays, since removing it could let two processes in."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab")
    except OSError as error:
        if error.errno in (errno.EROFS, errno.EACCES):
            raise unwritable(path.parent) from error
        raise
    with file as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def remove(path: Path) -> None:
    """Remove a file or a folder, read-only folders included. Nothing happens if it is not there."""
    if path.is_dir() and not path.is_symlink():
        _open_up(path)
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _open_up(folder: Path) -> None:
    folder.chmod(0o700)
    with os.scandir(folder) as items:
        for item in items:
            if item.is_dir(follow_symlinks=False):
                _open_up(Path(item.path))


def members(content: BinaryIO, source: str) -> Iterator[Member]:
    """The members of a tar in order; ``content`` is read to its end, so that it can be checked.

    Raises ``IntegrityError`` for names that lead out of the archive and for archives that are
    cut off or damaged.
    """
    try:
        with tarfile.open(fileobj=content, mode="r|", bufsize=CHUNK, errorlevel=2) as tar:
            for info in tar:
                yield Member(clean(info.name, source), info, tar.extractfile)
        while content.read(CHUNK):
            pass
    except (tarfile.TarError, EOFError, UnicodeError) as error:
        raise IntegrityError(f"An archive cannot be read: {error}.", where=source) from error


@dataclass(frozen=True)
class Member:
    """One member: its clean relative name (``.`` is the root) and its header."""

    name: str
    info: tarfile.TarInfo
    body: Callable[[tarfile.TarInfo], IO[bytes] | None]

    def write(self, path: Path, mode: int) -> None:
        """Write a regular file with this mode and the time of its header; once, and in order."""
        body = self.body(self.info)
        if body is None:
            raise IntegrityError("An archive's member has no content.", where=self.name)
        with path.open("xb") as file:
            shutil.copyfileobj(body, file, CHUNK)
            if file.tell() != self.info.size:
                raise IntegrityError("An archive ends inside a file.", where=self.name)
            os.fchmod(file.fileno(), mode)
        os.utime(path, (self.info.mtime, self.info.mtime))


def clean(name: str, source: str) -> str:
    """A member's name without ``./`` and doubled slashes; ``.`` is the root.

    Raises ``IntegrityError`` for absolute names and for those that climb.
    """
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts or "\0" in name:
        raise IntegrityError(
            "An archive names a file outside of itself.", where=f"{source}: {name}"
        )
    return "/".join(parts) or "."


def unpack_tree(content: BinaryIO, target: Path, source: str) -> None:
    """Unpack what ``Store.put_tree`` packed: a folder, or the one file of a tree without ``.``.

    Folders become 0755, so that their owner can delete them, and files 0444 or 0555. Raises
    ``IntegrityError`` for anything but plain files, folders and links inside the tree.
    """
    folders: dict[Path, None] = {}
    for member in members(content, source):
        info = member.info
        path = target / member.name if folders else target
        fits = path.parent in folders or path == target
        if info.isdir() and fits:
            path.mkdir()
            folders[path] = None
        elif info.issym() and fits and folders and not leads_out(member.name, info.linkname):
            path.symlink_to(info.linkname)
        elif info.isreg() and fits and not info.issparse():
            member.write(path, 0o555 if info.mode & 0o100 else 0o444)
        else:
            raise IntegrityError("A tree holds something unfit.", where=f"{source}: {member.name}")
    for folder in reversed(folders):
        folder.chmod(0o755)


__all__ = ["Member", "clean", "members", "once", "remove", "unpack_tree"]
