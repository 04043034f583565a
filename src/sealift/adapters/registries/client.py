"""One repository of a registry: its blobs, manifests, referrers and tags."""

from __future__ import annotations

import re
from typing import Self

import msgspec

from sealift.adapters.registries.downloads import Downloads
from sealift.adapters.registries.manifests import Manifests
from sealift.adapters.registries.reference import Reference
from sealift.adapters.registries.referrers import Referrers
from sealift.adapters.registries.session import Access, Session
from sealift.adapters.registries.uploads import Uploads
from sealift.errors import IntegrityError
from sealift.types import Digest

PULL = "pull"
PUSH = "pull,push"
_NEXT = re.compile(r'<([^>]+)>\s*;[^,]*rel="?next"?')
_MOST_PAGES = 1000


class _Tags(msgspec.Struct, frozen=True):
    tags: list[str] | None = None


class Client:
    """The repository of ``reference``, to ``PULL`` from or to ``PUSH`` to; a context manager.

    Speaks distribution-spec 1.1. Everything it returns was checked against its digest. Safe for
    threads.
    """

    def __init__(self, reference: Reference, actions: str, access: Access | None = None) -> None:
        self.access = access or Access()
        self._session = Session(reference, actions, self.access)
        self.manifests = Manifests(self._session)
        self.referrers = Referrers(self._session, self.manifests)
        self.uploads = Uploads(self._session, self.access.chunk)
        self.downloads = Downloads(self._session)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    @property
    def notices(self) -> tuple[str, ...]:
        """What the registry wants to be told to people."""
        return self._session.notices.texts

    def has(self, blob: Digest) -> bool:
        """Whether the repository has a blob."""
        answer = self._session.request("HEAD", f"blobs/{blob}", (200, 404), "a blob")
        return answer.status_code == 200

    def delete_blob(self, blob: Digest) -> None:
        """Delete a blob; ``NotFoundError``, or ``RegistryError`` where that is not allowed."""
        self._session.request("DELETE", f"blobs/{blob}", (200, 202, 204), "a blob")

    def tags(self) -> list[str]:
        """Every tag, page by page."""
        path, found = "tags/list", list[str]()
        for _ in range(_MOST_PAGES):
            answer = self._session.request("GET", path, (200,), "the list of tags")
            try:
                found += msgspec.json.decode(answer.content, type=_Tags).tags or []
            except msgspec.MsgspecError as error:
                raise IntegrityError("The list of tags is not understood.", where=path) from error
            following = _NEXT.search(answer.headers.get("link", ""))
            if following is None:
                break
            path = self._session.url(following[1], answer.request.url)
        return found


__all__ = ["PULL", "PUSH", "Client"]
