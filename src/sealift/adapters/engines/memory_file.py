"""Files in memory, which a child inherits and which leave no trace."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def memory_file(name: str, content: bytes = b"") -> Iterator[int]:
    """The descriptor of a file in memory, ready to be read from its beginning."""
    descriptor = os.memfd_create(name)
    try:
        with os.fdopen(descriptor, "r+b", closefd=False) as stream:
            stream.write(content)
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield descriptor
    finally:
        os.close(descriptor)


__all__ = ["memory_file"]
