"""The compiled part of the model server: the libraries that an image of a platform gets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import sealift
from sealift.archive import Entry
from sealift.errors import PackageError

FOLDER = "sealift/serve"
"""Where it lies, here and in images: beside what loads it."""
LIBRARIES = {
    "linux/amd64": ("express-x86_64.so", "express-x86_64-v3.so"),
    "linux/arm64": ("express-aarch64.so",),
}
"""By platform: the one for all processors of its kind, and those for higher levels of it."""
_NOTICE = "express.LICENSE"


def entries(platform: str, place: str, installed: Path | None = None) -> Iterator[Entry]:
    """The libraries for a platform such as ``linux/arm64``, and the notice of what is linked in.

    ``place`` is the folder above, from the root of the image; ``installed`` the one that Sealift is
    installed in, this one's unless given. Nothing for a platform that has none. Raises
    ``PackageError`` when the installation lacks what it should have: an image without it would be
    another one, and slower.
    """
    root = installed or Path(sealift.__file__).parent.parent
    libraries = LIBRARIES.get(platform, ())
    for name in (*libraries, _NOTICE) if libraries else ():
        yield Entry(
            name=f"{place}/{FOLDER}/{name}", kind="file", content=_content(root / FOLDER / name)
        )


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise PackageError(
            f"This installation lacks the compiled part of the server, {path.name}.",
            where=str(path),
            remedy="Install Sealift again; in a checkout, run `make setup`.",
        ) from error


__all__ = ["FOLDER", "LIBRARIES", "entries"]
