"""The blobs of an image layout, in a folder or in a tar of it."""

from __future__ import annotations

import contextlib
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from sealift.errors import DataError, IntegrityError, NotFoundError
from sealift.types import Digest


class Shelf(Protocol):
    """Files of one image or several, by their paths."""

    @property
    def place(self) -> str:
        """What it is called in errors."""
        ...

    def has(self, name: str) -> bool:
        """Whether there is a file of this path."""
        ...

    def open(self, name: str) -> BinaryIO:
        """A file by its path; ``NotFoundError`` when it is not there."""
        ...


class FolderShelf:
    """The files below a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def place(self) -> str:
        """The folder."""
        return str(self._folder)

    def has(self, name: str) -> bool:
        """Whether there is a file of this path."""
        return (self._folder / name).is_file()

    def open(self, name: str) -> BinaryIO:
        """A file by its path."""
        try:
            return (self._folder / name).open("rb")
        except FileNotFoundError as error:
            raise _missing(name, self.place) from error
        except OSError as error:
            raise DataError(
                f"A file of the image cannot be read: {error.strerror}.", where=self.place
            ) from error


class ArchiveShelf:
    """The files in a tar, which may be compressed."""

    def __init__(self, path: Path, tar: tarfile.TarFile) -> None:
        self._path = path
        self._tar = tar
        self._members = {_plain(one.name): one for one in tar.getmembers()}

    @property
    def place(self) -> str:
        """The archive's file."""
        return str(self._path)

    def has(self, name: str) -> bool:
        """Whether there is a member of this path."""
        return name in self._members

    def open(self, name: str) -> BinaryIO:
        """A member by its path; a link is followed inside the archive."""
        member = self._members.get(_plain(name))
        try:
            content = self._tar.extractfile(member) if member else None
        except (KeyError, RecursionError) as error:
            raise _missing(name, self.place) from error
        if content is None:
            raise _missing(name, self.place)
        return cast("BinaryIO", content)


@contextlib.contextmanager
def archive(path: Path) -> Iterator[ArchiveShelf]:
    """The files in the archive at ``path``.

    Raises ``DataError`` when it cannot be read and ``IntegrityError`` when it is damaged, also
    while it is read.
    """
    try:
        with tarfile.open(path, "r:*") as tar:
            yield ArchiveShelf(path, tar)
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise IntegrityError(
            f"The archive cannot be read: {str(error).partition(chr(10))[0].rstrip(':')}.",
            where=str(path),
            remedy="Write it again with `docker save` or `podman save`.",
        ) from error
    except OSError as error:
        raise DataError(
            f"The archive cannot be read: {error.strerror or error}.", where=str(path)
        ) from error


def blob(digest: Digest) -> str:
    """The path of a blob in a layout.

    >>> blob("sha256:00ff")
    'blobs/sha256/00ff'
    """
    return f"blobs/{digest.replace(':', '/')}"


def _plain(name: str) -> str:
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def _missing(name: str, place: str) -> NotFoundError:
    return NotFoundError(
        "A file of the image is not there.",
        where=f"{place}: {name}",
        remedy="Copy the whole image, with all its layers.",
    )


__all__ = ["ArchiveShelf", "FolderShelf", "Shelf", "archive", "blob"]
