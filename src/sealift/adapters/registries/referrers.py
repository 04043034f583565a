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
_SETTLE = 0.2
"""Seconds until a written list is read a second time: longer than another's reading and writing."""


class _List(msgspec.Struct, frozen=True, rename="camel"):
    """An index whose entries keep what nobody here knows."""

    manifests: list[dict[str, object]]
    media_type: str = INDEX


class Referrers:
    """The referrers in the repository of a session (distribution-spec 1.1, "Listing Referrers")."""

    def __init__(self, session: Session, manifests: Manifests) -> None:
        self._session = session
        self._manifests = manifests

    def of(self, subject: Digest, artifact_type: str = "") -> list[Descriptor]:
        """The manifests whose ``subject`` is this digest, in the registry's order."""
        entries = self._listed(subject)
        if entries is None:
            entries = self._tagged(subject)[0]
        found = [_descriptor(entry, subject) for entry in entries]
        return [one for one in found if artifact_type in ("", one.artifact_type)]

    def add(self, subject: Digest, entries: Sequence[Descriptor]) -> None:
        """List manifests under the tag that stands for the subject (spec: "Referrers Tag Schema").

        For registries that keep no list. The list is read again after it was written, at once and
        a moment later, and written again when somebody else's came between; registries offer no
        way to be wholly sure.
        """
        attempts = Attempts(self._session.retry, f"referrers of {subject}")
        wrote, sightings = False, 0
        while sightings < (2 if wrote else 1):
            if sightings:
                clock.sleep(_SETTLE)
            known, mark = self._tagged(subject)
            digests = {entry.get("digest") for entry in known}
            lacking = [entry for entry in entries if entry.digest not in digests]
            if not lacking:
                sightings += 1
                continue
            if wrote:
                attempts.failed(TransientError("others keep changing the list of referrers"))
                known, mark = self._tagged(subject)
            with contextlib.suppress(TransientError):
                self._write(subject, _joined(known, entries), mark)
            wrote, sightings = True, 0

    def _listed(self, subject: Digest) -> list[dict[str, object]] | None:
        """By the registry; None when it keeps no list."""
        path = f"referrers/{subject}"
        entries: list[dict[str, object]] = []
        for _ in range(_MOST_PAGES):
            answer = self._session.request("GET", path, (200, 400, 404, 405), "referrers")
            kind = answer.headers.get("content-type", "").partition(";")[0].strip()
            if answer.status_code != httpx.codes.OK or kind != INDEX:
                return None
            entries += _decoded(answer.content, path)
            following = _NEXT.search(answer.headers.get("link", ""))
            if following is None:
                break
            path = self._session.url(following[1], answer.request.url)
        return entries

    def _tagged(self, subject: Digest) -> tuple[list[dict[str, object]], str]:
        """By the tag, and the registry's mark of what was read."""
        try:
            found = self._manifests.get(tag(subject))
        except NotFoundError:
            return [], ""
        return _decoded(found.content, tag(subject)), found.mark

    def _write(self, subject: Digest, entries: list[dict[str, object]], mark: str) -> None:
        content = {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}
        self._manifests.put(tag(subject), msgspec.json.encode(content), INDEX, mark)


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


__all__ = ["Referrers", "tag"]
