"""Work beside other work: content is hashed, and brought to the disk, while more of it is read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from sealift.types import Digest

PIECE = 1 << 20
"""Bytes that are read at once; content that is not longer needs no thread."""


class Aside:
    """A thread that does one thing at a time, begun with the first; close it after use.

    >>> done = []
    >>> aside = Aside()
    >>> aside.begin(lambda: done.append(1))
    >>> aside.wait()
    >>> done
    [1]
    >>> aside.close()
    """

    def __init__(self) -> None:
        self._thread: ThreadPoolExecutor | None = None
        self._going: Future[object] | None = None

    def begin(self, work: Callable[[], object]) -> None:
        """Begin with ``work`` once what was begun before is done; raises what that raised."""
        self.wait()
        self._thread = self._thread or ThreadPoolExecutor(1, "aside")
        self._going = self._thread.submit(work)

    def wait(self) -> None:
        """Wait for what was begun; raises what it raised."""
        going, self._going = self._going, None
        if going is not None:
            going.result()

    def close(self) -> None:
        """End the thread, after what it does."""
        if self._thread is not None:
            self._thread.shutdown()


class Hashing:
    """A SHA-256 digest of pieces, each hashed while the next one is fetched; close it after use.

    >>> whole = Hashing()
    >>> whole.add(b"{")
    >>> whole.add(b"}")
    >>> whole.digest
    'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a'
    """

    def __init__(self) -> None:
        self._whole = hashlib.sha256()
        self._aside = Aside()
        self._begun = False

    def add(self, piece: bytes) -> None:
        """Hash a piece after those before it."""
        if self._begun and len(piece) >= PIECE:
            self._aside.begin(lambda: self._whole.update(piece))
        else:
            self._aside.wait()
            self._whole.update(piece)
        self._begun = True

    @property
    def digest(self) -> Digest:
        """The digest of all pieces."""
        self._aside.wait()
        return Digest("sha256:" + self._whole.hexdigest())

    def close(self) -> None:
        """End the thread."""
        self._aside.close()


__all__ = ["PIECE", "Aside", "Hashing"]
