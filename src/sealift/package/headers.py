"""What a plain tar holds, without reading more of it than has to be read."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from typing import BinaryIO

MARK = 2 * tarfile.BLOCKSIZE
"""What stands at the end of an archive, in bytes."""


def headers(blob: BinaryIO, size: int) -> Iterator[tarfile.TarInfo]:
    """The headers of a plain tar of ``size`` bytes; of the last member, nothing else is read.

    So the weights of a model, which are alone in their layer, cost nothing here; whether their
    bytes are right shows when they are read. Raises ``tarfile.TarError``.
    """
    with tarfile.open(fileobj=blob, mode="r|") as archive:
        for one in archive:
            yield one
            if end(one) + MARK >= size:
                return


def end(member: tarfile.TarInfo) -> int:
    """Where in its archive a member ends, in bytes."""
    content = member.size if member.isfile() else 0
    return member.offset_data + content + -content % tarfile.BLOCKSIZE


__all__ = ["headers"]
