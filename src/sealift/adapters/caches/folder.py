"""Objects in a folder that several machines see: a network drive, or a bucket that is mounted."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from sealift import clock
from sealift.errors import MachineError


class Folder:
    """Objects as files below a folder, written under another name and renamed."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def has(self, name: str) -> bool:
        """Whether there is one of this name."""
        return (self._root / name).is_file()

    def open(self, name: str) -> BinaryIO | None:
        """Read one; None where there is none."""
        with self._told("read"):
            try:
                return (self._root / name).open("rb")
            except FileNotFoundError:
                return None

    def put(self, name: str, content: bytes | Path, *, replace: bool) -> bool:
        """Write one; false where one is there that is not to be replaced."""
        target = self._root / name
        with self._told("written"):
            if not self._root.is_dir():
                raise FileNotFoundError(2, "there is no such folder", str(self._root))
            if not replace and target.is_file():
                return False
            target.parent.mkdir(parents=True, exist_ok=True)
            part = target.with_name(f".{target.name}.{clock.token(12)}")
            try:
                _write(part, content)
                part.replace(target)
            finally:
                part.unlink(missing_ok=True)
        return True

    def names(self, folder: str) -> list[str]:
        """All below a folder."""
        with self._told("read"):
            found = (self._root / folder).rglob("*")
            files = [path for path in found if path.is_file() and not path.name.startswith(".")]
        return sorted(path.relative_to(self._root).as_posix() for path in files)

    def remove(self, name: str) -> None:
        """Remove one, and its folder if that is empty then."""
        with self._told("written"):
            path = self._root / name
            path.unlink(missing_ok=True)
            try:
                path.parent.rmdir()
            except OSError:
                return  # others are in it

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise MachineError(
                f"The shared cache cannot be {what}: {error.strerror or error}.",
                where=str(error.filename or self._root),
                remedy="Mount it, mend its permissions, or take cache.shared out of sealift.toml.",
            ) from error


def _write(part: Path, content: bytes | Path) -> None:
    with part.open("xb") as file:
        if isinstance(content, bytes):
            file.write(content)
        else:
            with content.open("rb") as whole:
                shutil.copyfileobj(whole, file, 1 << 20)
        file.flush()
        os.fsync(file.fileno())


__all__ = ["Folder"]
