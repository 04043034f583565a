"""Checkpoints of steps at work, in objects: what one machine wrote, another one goes on from.

``checkpoints/KEY/NUMBER-HEX.tar``: the highest number counts, and the digest of the bytes is in the
name.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import BinaryIO, cast

from sealift import archive, clock, digest
from sealift.adapters.caches.objects import Objects
from sealift.adapters.stores.trees import remove, unpack_tree
from sealift.errors import IntegrityError, MachineError
from sealift.types import Digest

CHECKPOINTS = "checkpoints"


class Checkpoints:
    """What is kept in ``objects`` of steps that have not ended."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def keep(self, key: Digest, folder: Path) -> None:
        """Keep what a step at work has in a folder, in place of what was kept of it before."""
        place = _checkpoints(key)
        before = self._objects.names(place)
        number = max(map(_number, before), default=0) + 1
        with NamedTemporaryFile(dir=folder.parent, prefix=".tar-") as file:
            with archive.Packed(archive.entries(folder)) as packed:
                shutil.copyfileobj(packed, file, 1 << 20)
            file.flush()
            word = digest.of_file(Path(file.name)).partition(":")[2]
            name = f"{place}/{number:010}-{word}.tar"
            self._objects.put(name, Path(file.name), replace=True)
        for one in before:
            self._objects.remove(one)

    def resume(self, key: Digest, folder: Path) -> bool:
        """Make a folder with what was kept last of a step; whether there was anything whole."""
        for name in sorted(self._objects.names(_checkpoints(key)), key=_number, reverse=True):
            if self._unpacked(name, folder):
                return True
        return False

    def drop(self, key: Digest) -> None:
        """Remove what was kept of a step, which is done."""
        for name in self._objects.names(_checkpoints(key)):
            self._objects.remove(name)

    def _unpacked(self, name: str, folder: Path) -> bool:
        stream = self._objects.open(name)
        if stream is None:
            return False
        with stream, NamedTemporaryFile(dir=folder.parent, prefix=".tar-") as file:
            shutil.copyfileobj(stream, file, 1 << 20)
            file.flush()
            word = digest.of_file(Path(file.name)).partition(":")[2]
            if f"-{word}.tar" not in name:
                return False
            file.seek(0)
            try:
                unpack_tree(cast("BinaryIO", file), folder, name)
            except IntegrityError:
                remove(folder)
                return False
            except OSError as error:
                raise MachineError(
                    f"A checkpoint cannot be unpacked: {error.strerror or error}.",
                    where=str(folder),
                    remedy="Free some space.",
                ) from error
        _refresh(folder)
        return True


def _checkpoints(key: Digest) -> str:
    return f"{CHECKPOINTS}/{key.partition(':')[2]}"


def _number(name: str) -> int:
    digits = name.rpartition("/")[2].partition("-")[0]
    return int(digits) if digits.isdecimal() else 0


def _refresh(folder: Path) -> None:
    """Let what was unpacked be written, and be as new as it is here."""
    now = clock.now()
    for parent, _, files in os.walk(folder):
        for path in (Path(parent), *(Path(parent, name) for name in files)):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
                os.utime(path, (now, now))


__all__ = ["CHECKPOINTS", "Checkpoints"]
