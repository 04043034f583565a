"""Sending one blob: mounted, else in one request, else on from where it was cut off."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Literal
from urllib.parse import quote

import httpx

from sealift.adapters.registries import faults
from sealift.adapters.registries.retry import TRANSIENT, Attempts, StoppedError, TransientError
from sealift.adapters.registries.session import Body, Session
from sealift.errors import IntegrityError, NotFoundError, RegistryError, SealiftError
from sealift.record.image import Descriptor

PIECE = 256 << 10
"""Bytes that the connection gets at once: it copies what did not fit, so much more is slower; with
much less it waits for other threads too often."""
_PROGRESS = 64 << 10
"""Bytes that a failed attempt must have brought for the count of failures to begin anew."""
_SMALLER = 16 << 20
"""The size of a request where a larger one was refused (413)."""
_RANGE = re.compile(r"(?:bytes=)?0-(\d+)")
_CREATED = (200, 201, 204)
_ACCEPTED = (200, 201, 202, 204)


@dataclass
class _Upload:
    """A session at the registry: where its next bytes go, and how many it has.

    ``resumed`` says that it was cut once, so that it may hold other bytes than were meant.
    """

    location: str
    smallest: int
    offset: int = 0
    resumed: bool = False


class Uploads:
    """Uploads to the repository of a session.

    ``chunk`` is the most bytes a request carries; 0 sends a blob in one request, which every
    registry takes. ``told`` hears of bytes as they leave, and of a negative number when some have
    to be sent again.
    """

    def __init__(self, session: Session, chunk: int = 0) -> None:
        self._session = session
        self._chunk = chunk

    def put(
        self,
        blob: Descriptor,
        content: Callable[[], BinaryIO],
        *,
        sources: tuple[str, ...] = (),
        told: Callable[[int], None] = lambda _: None,
    ) -> Literal["sent", "mounted"]:
        """Send a blob that the registry lacks; ``content`` opens its bytes, as often as need be.

        ``sources`` are repositories of the same registry that may have it. Raises
        ``IntegrityError`` when the bytes do not have the digest, on this side or the other.
        """
        upload = self._mount(blob, sources)
        if upload is None:
            return "mounted"
        _Sending(self._session, blob, content, self._chunk, told).run(upload)
        return "sent"

    def _mount(self, blob: Descriptor, sources: tuple[str, ...]) -> _Upload | None:
        """None when a repository had it; else the session that the registry began instead."""
        upload: _Upload | None = None
        for source in sources:
            path = f"blobs/uploads/?mount={quote(blob.digest)}&from={quote(source, safe='')}"
            with contextlib.suppress(RegistryError, NotFoundError):
                answer = self._session.request("POST", path, (201, 202), "a mounted blob")
                if answer.status_code == httpx.codes.CREATED:
                    _abandon(self._session, upload)
                    return None
                _abandon(self._session, upload)
                upload = _begun(self._session, answer)
        return upload or begin(self._session)


def begin(session: Session) -> _Upload:
    """A new upload session."""
    answer = session.request("POST", "blobs/uploads/", (202,), "the start of an upload")
    return _begun(session, answer)


def _begun(session: Session, answer: httpx.Response) -> _Upload:
    smallest = answer.headers.get("oci-chunk-min-length", "0")
    return _Upload(_location(session, answer), int(smallest) if smallest.isdigit() else 0)


def _location(session: Session, answer: httpx.Response, old: str = "") -> str:
    """Where the next request goes: exactly what the registry says, since it may hold state."""
    given = answer.headers.get("location", "")
    if not given and not old:
        raise RegistryError(
            "The registry does not say where to upload to.", where=faults.place(answer.request)
        )
    return session.url(given, answer.request.url) if given else old


@dataclass
class _Sending:
    """One blob on its way."""

    session: Session
    blob: Descriptor
    content: Callable[[], BinaryIO]
    chunk: int
    told: Callable[[int], None]
    sent: int = 0

    def run(self, upload: _Upload | None) -> None:
        """Send it all, through cut connections and lost sessions."""
        attempts = Attempts(self.session.retry, f"upload of {self.blob.digest}")
        best = 0
        while True:
            try:
                upload = upload or begin(self.session)
                self._rest(upload)
            except TRANSIENT as error:
                upload = self._resumed(upload)
                reached = upload.offset if upload else 0
                attempts.failed(error, progressed=reached >= best + _PROGRESS)
                best = max(best, reached)
                if self._is_there():
                    break
            except (SealiftError, StoppedError):
                _abandon(self.session, upload)
                raise
            else:
                break
        self._tell(self.blob.size)

    def _rest(self, upload: _Upload) -> None:
        """Send from the session's offset on, and close the session."""
        if upload.offset == 0 and not self.chunk:
            if self._whole(upload):
                return
            self.chunk = _SMALLER
        while upload.offset < self.blob.size:
            self._piece(upload)
        self._taken(upload, self._put(upload, None))

    def _whole(self, upload: _Upload) -> bool:
        """Send everything in one request; false when that is too large for the registry."""
        answer = self._put(upload, lambda: self._bytes(0, self.blob.size))
        if answer.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE:
            if self.blob.size <= _SMALLER:
                raise faults.refusal(answer, "a blob", None)
            return False
        self._taken(upload, answer)
        return True

    def _put(self, upload: _Upload, body: Body | None) -> httpx.Response:
        joint = "&" if "?" in upload.location else "?"
        headers = {"Content-Type": "application/octet-stream"}
        if body:
            headers["Content-Length"] = str(self.blob.size)
        return self.session.once(
            "PUT",
            f"{upload.location}{joint}digest={quote(self.blob.digest, safe='')}",
            (*_CREATED, 400, 404, 413, 416),
            "a blob",
            headers=headers,
            body=body,
        )

    def _taken(self, upload: _Upload, answer: httpx.Response) -> None:
        """Raise unless the registry took the blob, and this one.

        A session that is gone or out of step is begun anew; wrong bytes are an error.
        """
        wrong = "DIGEST_INVALID" in faults.codes(answer)
        doubtful = upload.resumed if wrong else upload.offset > 0
        if answer.status_code in (404, 416) or (answer.status_code == 400 and doubtful):
            upload.location = ""
            raise TransientError(f"the upload was lost{faults.words(answer)}")
        if wrong:
            raise IntegrityError(
                f"The registry got other bytes than were sent{faults.words(answer)}.",
                where=self.blob.digest,
            )
        if answer.status_code not in _CREATED:
            raise faults.refusal(answer, "a blob", None)
        said = answer.headers.get("docker-content-digest", "")
        if said.startswith("sha256:") and said != self.blob.digest:
            raise IntegrityError(
                f"The registry got other bytes: it says {said}.", where=self.blob.digest
            )

    def _piece(self, upload: _Upload) -> None:
        """Send the next part, and learn how far the registry is."""
        start = upload.offset
        most = max(self.chunk, upload.smallest) if self.chunk else self.blob.size
        end = min(start + most, self.blob.size)
        answer = self.session.once(
            "PATCH",
            upload.location,
            (*_ACCEPTED, 404, 416),
            "a part of a blob",
            headers={
                "Content-Type": "application/octet-stream",
                "Content-Range": f"{start}-{end - 1}",
                "Content-Length": str(end - start),
            },
            body=lambda: self._bytes(start, end),
        )
        if answer.status_code not in _ACCEPTED:
            raise TransientError(f"the upload is out of step{faults.words(answer)}")
        upload.location = _location(self.session, answer, upload.location)
        reached = _reached(answer)
        upload.offset = end if reached is None else reached
        if upload.offset != end:
            raise TransientError(f"it took {upload.offset - start} of {end - start} bytes")

    def _bytes(self, start: int, end: int) -> Iterator[bytes]:
        """A part of the content; all of it is read, so that a damaged blob is never finished."""
        with self.content() as stream:
            _skip(stream, start)
            self._tell(start)
            left = end - start
            while left and (piece := stream.read(min(PIECE, left))):
                left -= len(piece)
                yield piece
                self._tell(end - left)
            if left:
                raise IntegrityError(
                    "Stored content is shorter than its manifest says.", where=self.blob.digest
                )

    def _tell(self, reached: int) -> None:
        self.told(reached - self.sent)
        self.sent = reached

    def _resumed(self, upload: _Upload | None) -> _Upload | None:
        """The session as the registry sees it; None when it has to begin anew."""
        if upload is None or not upload.location:
            return None
        try:
            answer = self.session.request("GET", upload.location, (200, 202, 204), "an upload")
        except SealiftError:
            return None
        offset = _reached(answer)
        if offset is None or offset > self.blob.size:
            return None
        place = _location(self.session, answer, upload.location)
        return _Upload(place, upload.smallest, offset, resumed=True)

    def _is_there(self) -> bool:
        path = f"blobs/{self.blob.digest}"
        return self.session.request("HEAD", path, (200, 404), "a blob").status_code != 404


def _abandon(session: Session, upload: _Upload | None) -> None:
    """Tell the registry that nothing more comes; it would clean up by itself, later."""
    if upload is not None and upload.location:
        with contextlib.suppress(SealiftError, *TRANSIENT):
            session.once("DELETE", upload.location, range(200, 500), "an upload")


def _reached(answer: httpx.Response) -> int | None:
    """How many bytes the registry has, by the inclusive ``Range`` it answers with.

    Registries say ``0-0`` both for no byte and for one; none is the safe reading.
    """
    found = _RANGE.fullmatch(answer.headers.get("range", "").strip())
    if found is None:
        return None
    return int(found[1]) + 1 if int(found[1]) else 0


def _skip(stream: BinaryIO, count: int) -> None:
    while count:
        piece = stream.read(min(PIECE, count))
        if not piece:
            return
        count -= len(piece)


__all__ = ["Uploads"]
