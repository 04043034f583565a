"""Fetching one blob to a file through cut connections; other bytes than named are refused."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import BinaryIO

import httpx

from sealift.adapters.registries.retry import TRANSIENT, Attempts, TransientError
from sealift.adapters.registries.session import Session
from sealift.errors import IntegrityError
from sealift.record.image import Descriptor

_PIECE = 1 << 20
_PROGRESS = 64 << 10
"""Bytes that a failed attempt must have brought for the count of failures to begin anew."""
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(?:\d+|\*)")


class Downloads:
    """Downloads from the repository of a session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(
        self,
        blob: Descriptor,
        file: BinaryIO,
        *,
        told: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Complete ``file``, which may hold the beginning of the blob already.

        ``told`` hears of bytes as they come, also of those that were there. Raises
        ``IntegrityError`` when the registry sends others than the digest names; the file is then
        empty.
        """
        fetching = _Fetching(self._session, blob, file, told)
        began_with = fetching.reached
        fetching.complete()
        if began_with and not fetching.is_right():
            # the fault may be in what an earlier, killed download left
            fetching.restart()
            fetching.complete()
        if not fetching.is_right():
            fetching.restart()
            raise IntegrityError(
                "The registry sent other bytes than the manifest names.",
                where=blob.digest,
                remedy="Try again; if it stays so, its storage is damaged or something changes "
                "what passes on the way.",
            )


class _Fetching:
    """One blob on its way: the bytes there are, and their hash so far."""

    def __init__(
        self, session: Session, blob: Descriptor, file: BinaryIO, told: Callable[[int], None]
    ) -> None:
        self._session = session
        self._blob = blob
        self._file = file
        self._told = told
        self._whole = hashlib.sha256()
        self.reached = 0
        file.seek(0)
        while piece := file.read(_PIECE):
            self._count(piece)
        if self.reached > blob.size:
            self.restart()

    def is_right(self) -> bool:
        """Whether the bytes are those that the digest names."""
        size_fits = self.reached == self._blob.size
        return size_fits and f"sha256:{self._whole.hexdigest()}" == self._blob.digest

    def restart(self) -> None:
        """Forget what there is."""
        self._file.seek(0)
        self._file.truncate()
        self._told(-self.reached)
        self._whole = hashlib.sha256()
        self.reached = 0

    def complete(self) -> None:
        """Get what is missing, in as many requests as it takes."""
        attempts = Attempts(self._session.retry, f"download of {self._blob.digest}")
        while self.reached < self._blob.size:
            before = self.reached
            try:
                self._attempt()
            except TRANSIENT as error:
                attempts.failed(error, progressed=self.reached >= before + _PROGRESS)

    def _attempt(self) -> None:
        headers = {"Range": f"bytes={self.reached}-"} if self.reached else {}
        path = f"blobs/{self._blob.digest}"
        with self._session.stream(
            "GET", path, (200, 206, 416), "a blob", headers=headers
        ) as answer:
            if answer.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                self.restart()
                raise TransientError("it does not give the rest of a blob")
            self._take(answer, _start(answer))
        if self.reached < self._blob.size:
            raise TransientError(f"it sent {self.reached} of {self._blob.size} bytes")

    def _take(self, answer: httpx.Response, start: int) -> None:
        """Read an answer that begins at ``start``; what is there already is passed over."""
        if start > self.reached:
            raise TransientError(f"it began at byte {start} instead of {self.reached}")
        known = self.reached - start
        for piece in answer.iter_raw():
            fresh = piece[known:] if known else piece
            known = max(0, known - len(piece))
            if self.reached + len(fresh) > self._blob.size:
                self.restart()
                raise IntegrityError(
                    "The registry sends more bytes than the manifest names.",
                    where=self._blob.digest,
                )
            self._file.write(fresh)
            self._count(fresh)

    def _count(self, piece: bytes) -> None:
        self._whole.update(piece)
        self.reached += len(piece)
        self._told(len(piece))


def _start(answer: httpx.Response) -> int:
    """The offset at which the content of an answer begins: 0 when ranges are ignored."""
    if answer.status_code != httpx.codes.PARTIAL_CONTENT:
        return 0
    found = _CONTENT_RANGE.match(answer.headers.get("content-range", ""))
    if found is None:
        raise TransientError("it does not say which part of a blob it sends")
    return int(found[1])


__all__ = ["Downloads"]
