"""What refers to a manifest: by the registry's own list, else by a tag that clients maintain."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence

import httpx
import msgspec

from sealift import clock
from sealift.adapters.registries.manifests import Manifests, demand_digest
from sealift.adapters.registries.retry import Attempts, TransientError
from sealift.adapters.registries.session import Session
from sealift.errors import IntegrityError, NotFoundError
from sealift.record.image import INDEX, Descriptor
from sealift.types import Digest

_NEXT = re.compile(r'<([^>]+)>\s*;[^,]*rel="?next"?')
_MOST_PAGES = 100
_SHORTEST = 0.05
_SLOWER = 5.0
"""A written list is read a second time after so often the time that reading and writing took here:
longer than another's, which began before and ends after; at least ``_SHORTEST`` seconds."""


class _List(msgspec.Struct, frozen=True, rename="camel"):
    """An index whose entries keep what nobody here knows."""

    manifests: list[dict[str, object]]
    media_type: str = INDEX


class Referrers:
    """The referrers in the repository of a session (distribution-spec 1.1, "Listing Referrers")."""

    def __init__(self, session: Session, manifests: Manifests) -> None:
        self._session = session
        self._manifests = manifests
        self._keeps = True

    @property
    def keeps(self) -> bool:
        """Whether the registry keeps lists by itself, as far as is known: ``of`` learns it."""
        return self._keeps

    def of(self, subject: Digest, artifact_type: str = "") -> list[Descriptor]:
        """The manifests whose ``subject`` is this digest, in the registry's order."""
        entries = self._listed(subject)
        if entries is None:
            entries = _tagged(self._manifests, subject)[0]
        found = [_descriptor(entry, subject) for entry in entries]
        return [one for one in found if artifact_type in ("", one.artifact_type)]

    def add(self, subject: Digest, entries: Sequence[Descriptor]) -> None:
        """List manifests under the tag that stands for the subject, and see that they stay."""
        listing = self.listing(subject, entries)
        listing.write()
        listing.settle()

    def listing(self, subject: Digest, entries: Sequence[Descriptor]) -> Listing:
        """Manifests that are to be listed under the tag that stands for the subject."""
        attempts = Attempts(self._session.retry, f"referrers of {subject}")
        return Listing(self._manifests, subject, entries, attempts)

    def _listed(self, subject: Digest) -> list[dict[str, object]] | None:
        """By the registry; None when it keeps no list, and then it is not asked again."""
        if not self._keeps:
            return None
        path = f"referrers/{subject}"
        entries: list[dict[str, object]] = []
        for _ in range(_MOST_PAGES):
            answer = self._session.request("GET", path, (200, 400, 404, 405), "referrers")
            kind = answer.headers.get("content-type", "").partition(";")[0].strip()
            if answer.status_code != httpx.codes.OK or kind != INDEX:
                self._keeps = False
                return None
            entries += _decoded(answer.content, path)
            following = _NEXT.search(answer.headers.get("link", ""))
            if following is None:
                break
            path = self._session.url(following[1], answer.request.url)
        return entries


class Listing:
    """Manifests on their way into the list under a tag (spec: "Referrers Tag Schema").

    For registries that keep no list. It is read again after it was written, at once and a moment
    later, and written again when somebody else's came between; registries offer no way to be
    wholly sure.
    """

    def __init__(
        self,
        manifests: Manifests,
        subject: Digest,
        entries: Sequence[Descriptor],
        attempts: Attempts,
    ) -> None:
        self._manifests = manifests
        self._subject = subject
        self._entries = entries
        self._attempts = attempts
        self._due: float | None = None

    def write(self) -> None:
        """Write what the list lacks, until it is read there."""
        self._due = None
        while True:
            began = clock.monotonic()
            known, mark = _tagged(self._manifests, self._subject)
            digests = {entry.get("digest") for entry in known}
            if all(entry.digest in digests for entry in self._entries):
                return
            if self._due is not None:
                self._attempts.failed(TransientError("others keep changing the list of referrers"))
                began = clock.monotonic()
                known, mark = _tagged(self._manifests, self._subject)
            with contextlib.suppress(TransientError):
                self._put(_joined(known, self._entries), mark)
            now = clock.monotonic()
            self._due = now + max(_SHORTEST, _SLOWER * (now - began))

    def settle(self) -> None:
        """Look once more where something was written, when another's writing is over too."""
        while self._due is not None:
            clock.sleep(max(0.0, self._due - clock.monotonic()))
            self.write()

    def _put(self, entries: list[dict[str, object]], mark: str) -> None:
        content = {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}
        self._manifests.put(tag(self._subject), msgspec.json.encode(content), INDEX, mark)


def _tagged(manifests: Manifests, subject: Digest) -> tuple[list[dict[str, object]], str]:
    """The list under a tag, and the registry's mark of what was read."""
    try:
        found = manifests.get(tag(subject))
    except NotFoundError:
        return [], ""
    return _decoded(found.content, tag(subject)), found.mark


def tag(subject: Digest) -> str:
    """The tag under which clients list the referrers of a digest.

    >>> tag(Digest("sha256:" + "0" * 64))[:12]
    'sha256-00000'
    """
    return subject.replace(":", "-", 1)


def _decoded(content: bytes, where: str) -> list[dict[str, object]]:
    try:
        return msgspec.json.decode(content, type=_List).manifests
    except msgspec.MsgspecError as error:
        raise IntegrityError(f"This is not a list of referrers: {error}.", where=where) from error


def _descriptor(entry: dict[str, object], subject: Digest) -> Descriptor:
    try:
        found = msgspec.convert({**entry, "platform": None}, Descriptor)
    except msgspec.ValidationError as error:
        raise IntegrityError(
            f"The list of referrers is damaged: {error}.", where=subject
        ) from error
    demand_digest(found.digest, f"referrers of {subject}")
    return found


def _joined(
    known: list[dict[str, object]], entries: Sequence[Descriptor]
) -> list[dict[str, object]]:
    """What is listed, and what is not yet."""
    digests = {entry.get("digest") for entry in known}
    return [*known, *(_entry(one) for one in entries if one.digest not in digests)]


def _entry(one: Descriptor) -> dict[str, object]:
    plain: dict[str, object] = msgspec.to_builtins(one)
    return plain


__all__ = ["Listing", "Referrers", "tag"]
