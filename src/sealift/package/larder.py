"""What was made once on this machine, kept in a folder for all projects.

A file in it carries the digest of its key and its content, which is compared whenever it is taken:
what a disk damaged, or a crash left half written, is made again. Files appear whole under their
names, so that any number of processes may use the folder, and may be deleted at any time.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from sealift import clock, digest
from sealift.types import Digest

_MARK = len(digest.of_bytes(b""))


class Larder:
    """Files by their names, in the folder ``root``, under the digest of what they were made from.

    Where the folder cannot be read or written, nothing is found, and nothing is refused.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def get(self, key: Digest) -> dict[str, bytes] | None:
        """What is kept under ``key``, maybe no file at all; None where that was never made."""
        try:
            kept = self._path(key).read_bytes()
        except OSError:
            return None
        mark, content = kept[:_MARK], kept[_MARK:]
        if mark != _mark(key, content):
            return None
        try:
            return msgspec.msgpack.decode(content, type=dict[str, bytes])
        except msgspec.MsgspecError:  # sound, as another version of Sealift writes it
            return None

    def put(self, key: Digest, files: Mapping[str, bytes]) -> None:
        """Keep files, whole or not at all."""
        content = msgspec.msgpack.encode(files)
        path = self._path(key)
        part = path.with_suffix(f".{clock.token(12)}.part")
        with contextlib.suppress(OSError):
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                part.write_bytes(_mark(key, content) + content)
                part.replace(path)
            finally:
                part.unlink(missing_ok=True)

    def _path(self, key: Digest) -> Path:
        name = key.removeprefix("sha256:")
        return self._root / name[:2] / name


def _mark(key: Digest, content: bytes) -> bytes:
    return digest.of_bytes(key.encode() + content).encode()


__all__ = ["Larder"]
