"""Blobs on disk: whole or absent, and checked against their digest whenever they are read."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import os
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

from sealift import archive, clock, digest
from sealift.adapters.stores import framing
from sealift.adapters.stores.aside import PIECE, Aside, Hashing
from sealift.adapters.stores.verified import Verified
from sealift.errors import IntegrityError, MachineError, NotFoundError
from sealift.types import Digest

FLUSHED = 32 << 20
"""Bytes after which the disk gets what was written: the end has little left to wait for."""
_HASHED = 8 << 20
"""Bytes after which what was copied is hashed while more is copied."""
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class Blobs:
    """The folder ``blobs/sha256`` of a layout, and the files that are being written."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "blobs" / "sha256"
        self._incoming = root / "incoming"

    def path(self, address: Digest) -> Path:
        """Where a blob lies, whether it is there or not.

        Raises ``IntegrityError`` for a text that is not a SHA-256 address.
        """
        if not _DIGEST.fullmatch(address):
            raise IntegrityError("This is not a SHA-256 digest.", where=repr(str(address)))
        return self.folder / address.removeprefix("sha256:")

    def put(self, content: BinaryIO | bytes) -> tuple[Digest, int]:
        """Keep bytes; the digest and the size. Either all of them are on disk, or none."""
        if isinstance(content, bytes):
            address = digest.of_bytes(content)
            if self._sound(address, len(content)):
                return address, len(content)
            content = io.BytesIO(content)
        if isinstance(content, archive.Framed) and (taken := self._taken(content)):
            return taken
        with self._temporary() as file:
            if isinstance(content, archive.Packed):
                address, size = _poured(content, file)
            else:
                address, size = _copied(content, file)
            self._settle(file, Path(file.name), self.path(address))
        return address, size

    def _taken(self, content: archive.Framed) -> tuple[Digest, int] | None:
        """Keep a file that was given away, moved instead of copied; None where that cannot be."""
        place = self._incoming / clock.token(24)
        try:
            self._make_room()
            with framing.alone(content.path) as file:
                if file is None:
                    return None
                with framing.framed(content, file, place) as address:
                    if address is None:
                        return None
                    self._settle(file, place, self.path(address))
                    size = os.fstat(file.fileno()).st_size
        except OSError as error:
            raise _unwritable(error, place) from error
        return address, size

    def adopt(self, path: Path, address: Digest) -> None:
        """Keep a file as a blob: make it durable, then move it to its place."""
        target = self.path(address)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with path.open("rb") as file:
                self._settle(file, path, target)
        except OSError as error:
            raise _unwritable(error, path) from error

    def open(self, address: Digest) -> BinaryIO:
        """A stream that raises ``IntegrityError`` at its end if the bytes are not the right ones.

        Raises ``NotFoundError`` when the blob is not here.
        """
        try:
            raw = Verified(self.path(address), address)
        except FileNotFoundError as error:
            raise NotFoundError(
                "This content is not in the store.", where=str(address), remedy="Build it again."
            ) from error
        except OSError as error:
            raise MachineError(
                f"The store cannot be read: {error.strerror}.", where=str(self.folder)
            ) from error
        return cast("BinaryIO", io.BufferedReader(raw, PIECE))

    def read(self, address: Digest) -> bytes:
        """A whole small blob, checked."""
        with self.open(address) as stream:
            return stream.read()

    def _sound(self, address: Digest, size: int) -> bool:
        path = self.path(address)
        try:
            return path.stat().st_size == size and digest.of_file(path) == address
        except OSError:
            return False

    @contextlib.contextmanager
    def _temporary(self) -> Iterator[BinaryIO]:
        """A locked file under a random name; those whose writer died are removed first."""
        path = self._incoming / clock.token(24)
        try:
            self._make_room()
            with path.open("x+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                yield file
        except OSError as error:
            raise _unwritable(error, path) from error
        finally:
            with contextlib.suppress(OSError):
                path.unlink()

    def _settle(self, file: BinaryIO, path: Path, target: Path) -> None:
        file.flush()
        os.fchmod(file.fileno(), 0o444)
        os.fsync(file.fileno())
        path.replace(target)
        sync(target.parent)

    def _make_room(self) -> None:
        """The folders, without what writers that died left behind."""
        self._incoming.mkdir(parents=True, exist_ok=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        for path in self._incoming.iterdir():
            with contextlib.suppress(OSError), path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if clock.now() - path.stat().st_mtime > 60:
                    path.unlink()


def _copied(content: BinaryIO, file: BinaryIO) -> tuple[Digest, int]:
    """Write all of a stream to a file; its digest and its size.

    The bytes pass once: while a piece is read and written, the one before it is hashed, and what
    was written before goes to the disk.
    """
    size = flushed = 0
    handle = file.fileno()
    with contextlib.closing(Hashing()) as whole, contextlib.closing(Aside()) as disk:
        while piece := content.read(PIECE):
            whole.add(piece)
            size += file.write(piece)
            if size - flushed >= FLUSHED:
                disk.begin(lambda: os.fdatasync(handle))
                flushed = size
        disk.wait()
        return whole.digest, size


def _poured(content: archive.Packed, file: BinaryIO) -> tuple[Digest, int]:
    """The same for a tar that the system can copy from its files: hashed is what came of that."""
    size = hashed = flushed = 0
    handle, whole = file.fileno(), hashlib.sha256()
    room = memoryview(bytearray(PIECE))

    def absorb(start: int, end: int) -> None:
        while start < end:
            count = os.preadv(handle, [room[: end - start]], start)
            whole.update(room[:count])
            start += count

    with contextlib.closing(Aside()) as hashing, contextlib.closing(Aside()) as disk:
        for count in content.pour(file):
            size += count
            if size - hashed >= _HASHED:
                file.flush()
                hashing.begin(partial(absorb, hashed, size))
                hashed = size
            if size - flushed >= FLUSHED:
                disk.begin(lambda: os.fdatasync(handle))
                flushed = size
        file.flush()
        hashing.wait()
        absorb(hashed, size)
        disk.wait()
    return Digest("sha256:" + whole.hexdigest()), size


def sync(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def replace(path: Path, content: bytes) -> None:
    """Write a file so that a reader, or a crash, finds the old content or the new, never a part."""
    temporary = path.with_name(f".{path.name}.{clock.token(12)}")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync(path.parent)
    except OSError as error:
        raise _unwritable(error, path) from error
    finally:
        temporary.unlink(missing_ok=True)


def _unwritable(error: OSError, path: Path) -> MachineError:
    return MachineError(
        f"The store cannot be written: {error.strerror or error}.",
        where=str(path.parent),
        remedy="Free some space, or make the folder writable, then run the command again.",
    )


__all__ = ["Blobs", "replace", "sync"]
