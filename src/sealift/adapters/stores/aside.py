"""Work beside other work: content is hashed, and brought to the disk, while more of it is read."""

from __future__ import annotations

import contextlib
import hashlib
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from sealift.types import Digest

PIECE = 1 << 20
"""Bytes that are read at once; content that is not longer needs no thread."""
_BEHIND = 4
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
        self._pieces = queue.Queue[memoryview](_BEHIND)
        self._rooms = queue.SimpleQueue[memoryview]()

    def room(self, size: int = PIECE) -> memoryview:
        """Memory for the next piece, of the same ``size`` each time.

        It is that of an earlier piece which is hashed by now, where there is one: new memory costs
        the system more than to fill it. So a piece may be looked at until the next room is asked
        for.
        """
        with contextlib.suppress(queue.Empty):
            return self._rooms.get_nowait()
        return memoryview(bytearray(size))

    def add(self, piece: bytes | memoryview) -> None:
        """Hash a piece after those before it; it may be the beginning of a room."""
        view = memoryview(piece)
        if self._thread is None and self._begun and len(view) >= PIECE:
            self._thread = threading.Thread(target=self._hash, name="hashing", daemon=True)
            self._thread.start()
        self._begun = True
        if self._thread is None:
            self._one(view)
        elif view:
            self._pieces.put(view)

    def _hash(self) -> None:
        while piece := self._pieces.get():
            self._one(piece)

    def _one(self, piece: memoryview) -> None:
        self._whole.update(piece)
        if not piece.readonly:
            self._rooms.put(memoryview(piece.obj))

    @property
    def digest(self) -> Digest:
        """The digest of all pieces."""
        self.close()
        return Digest("sha256:" + self._whole.hexdigest())

    def close(self) -> None:
        """End the thread, once it has hashed what it got."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._pieces.put(memoryview(b""))
            thread.join()


__all__ = ["PIECE", "Aside", "Hashing"]
