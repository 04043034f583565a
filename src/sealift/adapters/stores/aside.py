"""Work beside other work: content is hashed, and brought to the disk, while more of it is read."""

from __future__ import annotations

import hashlib
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from sealift.types import Digest

PIECE = 1 << 20
"""Bytes that are read at once; content that is not longer needs no thread."""
_BEHIND = 16
"""How many pieces may wait to be hashed."""


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
    """A SHA-256 digest of pieces, hashed while the next ones are fetched; close it after use.

    It may fall behind by some pieces, so that whoever fetches them never waits for a processor
    that is busy just then.

    >>> whole = Hashing()
    >>> whole.add(b"{")
    >>> whole.add(b"}")
    >>> whole.digest
    'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a'
    """

    def __init__(self) -> None:
        self._whole = hashlib.sha256()
        self._begun = False
        self._thread: threading.Thread | None = None
        self._pieces = queue.Queue[bytes](_BEHIND)

    def add(self, piece: bytes) -> None:
        """Hash a piece after those before it."""
        if self._thread is None and self._begun and len(piece) >= PIECE:
            self._thread = threading.Thread(target=self._hash, name="hashing", daemon=True)
            self._thread.start()
        self._begun = True
        if self._thread is None:
            self._whole.update(piece)
        elif piece:
            self._pieces.put(piece)

    def _hash(self) -> None:
        while piece := self._pieces.get():
            self._whole.update(piece)

    @property
    def digest(self) -> Digest:
        """The digest of all pieces."""
        self.close()
        return Digest("sha256:" + self._whole.hexdigest())

    def close(self) -> None:
        """End the thread, once it has hashed what it got."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._pieces.put(b"")
            thread.join()


__all__ = ["PIECE", "Aside", "Hashing"]
