"""Files that the user asked for: whole or absent, whatever happens while they are written."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from sealift import clock
from sealift.errors import MachineError


@contextlib.contextmanager
def whole(path: Path, what: str) -> Iterator[BinaryIO]:
    """A seekable file that takes the place of ``path`` once all is written and on the disk.

    A file that is there is replaced, or left as it was when anything goes wrong. ``what`` names
    it in errors, such as ``"The archive"``. Raises ``MachineError`` where it cannot be written.

    >>> import tempfile
    >>> place = Path(tempfile.mkdtemp()) / "greeting"
    >>> with whole(place, "The greeting") as file:
    ...     count = file.write(b"hello")
    >>> place.read_bytes()
    b'hello'
    """
    target = path.resolve()
    part = target.with_name(f".{target.name}.{clock.token(8)}")
    try:
        if target.exists() and not target.is_file():
            raise MachineError(
                f"{what} cannot be written: there is something that is not a file.",
                where=str(path),
                remedy="Name a file, new or to be replaced.",
            )
        with part.open("xb") as file:
            yield cast("BinaryIO", file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    except OSError as error:
        raise MachineError(
            f"{what} cannot be written: {error.strerror or error}.",
            where=str(path),
            remedy="Free some space, or name a file in a folder that is there and that you may "
            "write.",
        ) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


__all__ = ["whole"]
