"""A model's files in a folder, out of the layers of its artifact."""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

from sealift import clock
from sealift.archive import leads_out
from sealift.errors import IntegrityError
from sealift.modelpack import PLACE
from sealift.package.artifact import model_layers
from sealift.ports import Store
from sealift.types import Digest

_CHUNK = 1 << 20


def write_files(store: Store, model: Digest, folder: Path) -> None:
    """Write the files of a model's artifact to a new folder, as they lie in an image's ``/model``.

    The folder is there once it is whole. Raises ``OSError``, and ``IntegrityError`` for a layer
    that holds anything else.
    """
    draft = folder.with_name(f".{folder.name}.{clock.token(8)}")
    draft.mkdir(parents=True)
    try:
        for layer in model_layers(store, model):
            unpack(store, layer.descriptor.digest, draft)
        (draft / PLACE).rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def unpack(store: Store, blob: Digest, to: Path) -> None:
    """The files of a layer of the model, which is read to its end, where its digest is checked."""
    try:
        with store.open(blob) as stream:
            with tarfile.open(fileobj=stream, mode="r|") as tar:
                for member in tar:
                    _member(member, tar, to, blob)
            while stream.read(_CHUNK):
                pass
    except (tarfile.TarError, EOFError) as error:
        raise IntegrityError(f"A file of the model cannot be read: {error}.", where=blob) from error


def _member(member: tarfile.TarInfo, tar: tarfile.TarFile, to: Path, blob: Digest) -> None:
    inside = member.name == PLACE or member.name.startswith(f"{PLACE}/")
    linked = member.issym() and not leads_out(member.name, member.linkname)
    content = tar.extractfile(member) if member.isreg() else None
    if not inside or ".." in member.name.split("/") or not (content or linked or member.isdir()):
        raise IntegrityError(f"The model holds what is no file of it: {member.name!r}.", where=blob)
    if content:
        put(to / member.name, iter(lambda: content.read(_CHUNK), b""), member.mode)
    elif linked:
        (to / member.name).parent.mkdir(parents=True, exist_ok=True)
        (to / member.name).symlink_to(member.linkname)
    else:
        (to / member.name).mkdir(parents=True, exist_ok=True)


def put(path: Path, pieces: Iterator[bytes], mode: int = 0o644) -> None:
    """Write a new file for every user to read, and the folders above it. Raises ``OSError``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        for piece in pieces:
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    path.chmod(
        0o755 if mode & 0o100 else 0o644
    )  # the image's user is another than whoever writes this


__all__ = ["put", "unpack", "write_files"]
