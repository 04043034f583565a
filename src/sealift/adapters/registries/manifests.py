"""Manifests and indexes: by tag or digest, with their bytes checked and kept as they are."""

from __future__ import annotations

import msgspec

from sealift import digest
from sealift.adapters.registries import faults
from sealift.adapters.registries.reference import DIGEST
from sealift.adapters.registries.retry import TransientError, repeated
from sealift.adapters.registries.session import Session
from sealift.errors import IntegrityError, RegistryError
from sealift.record.image import INDEX, MANIFEST, Descriptor
from sealift.types import Digest

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
MANIFESTS = frozenset({MANIFEST, DOCKER_MANIFEST})
INDEXES = frozenset({INDEX, DOCKER_LIST})
LARGEST = 4 << 20
"""The size of a manifest that every registry takes (distribution-spec, "Pushing Manifests")."""
ACCEPT = ", ".join((MANIFEST, INDEX, DOCKER_MANIFEST, DOCKER_LIST))
_OLD = "application/vnd.docker.distribution.manifest.v1"


class Child(msgspec.Struct, frozen=True, rename="camel"):
    """A manifest in an index."""

    digest: Digest
    size: int
    media_type: str = ""
    platform: dict[str, object] | None = None

    def runs_on(self, platform: str) -> bool:
        """Whether it is for ``os/architecture`` or ``os/architecture/variant``."""
        mine = self.platform or {}
        words = [mine.get(key) for key in ("os", "architecture", "variant")]
        return platform in ("/".join(map(str, words[:2])), "/".join(map(str, words)))


class Subject(msgspec.Struct, frozen=True):
    """What a manifest refers to."""

    digest: Digest


class Links(msgspec.Struct, frozen=True, rename="camel"):
    """The content that a manifest or an index names, of OCI or of Docker."""

    schema_version: int = 2
    media_type: str = ""
    artifact_type: str | None = None
    config: Descriptor | None = None
    layers: tuple[Descriptor, ...] = ()
    manifests: tuple[Child, ...] | None = None
    subject: Subject | None = None
    annotations: dict[str, str] | None = None

    @property
    def blobs(self) -> tuple[Descriptor, ...]:
        """Configuration and layers."""
        return (*((self.config,) if self.config else ()), *self.layers)

    @property
    def kind(self) -> str:
        """Its media type, also where it does not say."""
        return self.media_type or (MANIFEST if self.manifests is None else INDEX)


class Fetched(msgspec.Struct, frozen=True):
    """A manifest as it came: bytes, media type and digest, and the registry's mark for it."""

    content: bytes
    media_type: str
    digest: Digest
    mark: str = ""

    @property
    def links(self) -> Links:
        """What it names."""
        return links(self.content, self.digest)


def links(content: bytes, where: str) -> Links:
    """What a manifest names. Raises ``IntegrityError`` for what is none."""
    try:
        found = msgspec.json.decode(content, type=Links)
    except msgspec.MsgspecError as error:
        raise IntegrityError(f"This is not a manifest: {error}.", where=where) from error
    if found.schema_version != 2 or (found.config is None) == (found.manifests is None):
        raise IntegrityError("This is not a manifest of version 2.", where=where)
    children = found.manifests or ()
    for named in (*(one.digest for one in found.blobs), *(one.digest for one in children)):
        demand_digest(named, where)
    if any(blob.size < 0 for blob in found.blobs):
        raise IntegrityError("A manifest names content of a negative size.", where=where)
    return found


def demand_digest(text: str, where: str) -> Digest:
    """The digest, if it is one. Raises ``IntegrityError`` for other algorithms and other texts."""
    if not DIGEST.fullmatch(text):
        raise IntegrityError(f"{text[:100]!r} is not a SHA-256 digest.", where=where)
    return Digest(text)


class Manifests:
    """The manifests of the repository of a session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, target: str) -> Fetched:
        """A manifest by tag or digest.

        Raises ``NotFoundError``, or ``IntegrityError`` when the bytes are not those of the digest
        or the registry contradicts itself.
        """
        where = self._session.url(f"manifests/{target}")
        return repeated(self._session.retry, where, lambda: self._get(target, where))

    def _get(self, target: str, where: str) -> Fetched:
        with self._session.stream(
            "GET",
            f"manifests/{target}",
            (200,),
            f"the manifest {target}",
            headers={"Accept": ACCEPT},
        ) as answer:
            content = bytearray()
            for piece in answer.iter_raw():
                content += piece
                if len(content) > LARGEST:
                    raise IntegrityError("A manifest is larger than 4 MiB.", where=where)
        found = digest.of_bytes(bytes(content))
        named = target if ":" in target else answer.headers.get("docker-content-digest", found)
        if named.startswith("sha256:") and named != found:
            raise IntegrityError(
                f"The registry sent a manifest with the digest {found} instead of {named}.",
                where=where,
            )
        kind = answer.headers.get("content-type", "").partition(";")[0].strip()
        media_type = _agreed(bytes(content), kind, where)
        return Fetched(bytes(content), media_type, found, answer.headers.get("etag", ""))

    def head(self, target: str) -> Digest | None:
        """The digest of what a tag or digest names now; None when there is nothing."""
        path, headers = f"manifests/{target}", {"Accept": ACCEPT}
        answer = self._session.request("HEAD", path, (200, 404), target, headers=headers)
        if answer.status_code == 404:
            return None
        said = answer.headers.get("docker-content-digest", "")
        return Digest(said) if said.startswith("sha256:") else self.get(target).digest

    def put(self, target: str, content: bytes, media_type: str, mark: str = "") -> bool:
        """Put a manifest under a tag or its digest; what it names must be there already.

        True when the registry lists it among the referrers of its subject by itself. With a
        ``mark`` only what it belongs to is replaced; else ``TransientError`` is raised.
        """
        if len(content) > LARGEST:
            raise RegistryError("Registries take no manifest larger than 4 MiB.", where=target)
        answer = self._session.request(
            "PUT",
            f"manifests/{target}",
            (200, 201, 202, 204, 412),
            f"the manifest {target}",
            headers={"Content-Type": media_type, "If-Match": mark},
            content=content,
        )
        if answer.status_code == 412:
            raise TransientError("somebody else changed it meanwhile")
        said = answer.headers.get("docker-content-digest", "")
        if said.startswith("sha256:") and said != digest.of_bytes(content):
            raise IntegrityError(
                f"The registry got another manifest: it says {said}.",
                where=faults.place(answer.request),
            )
        return "oci-subject" in answer.headers

    def delete(self, target: str) -> None:
        """Delete a manifest by digest, or where the registry can a tag.

        Raises ``NotFoundError``, or ``RegistryError`` where deleting is not allowed.
        """
        self._session.request("DELETE", f"manifests/{target}", (200, 202, 204), target)


def _agreed(content: bytes, kind: str, where: str) -> str:
    """The media type, if header and content agree on it (distribution-spec, "Pull")."""
    if kind.startswith(_OLD):
        raise RegistryError(
            "The image is in Docker's old format (schema 1).",
            where=where,
            remedy="Push it again with a tool of this decade; skopeo copies it to the new format.",
        )
    known = MANIFESTS | INDEXES
    found = links(content, where)
    if found.media_type and kind in known and found.media_type != kind:
        raise IntegrityError(
            f"The registry calls a manifest {kind!r} that calls itself {found.media_type!r}.",
            where=where,
        )
    media_type = found.media_type or (kind if kind in known else found.kind)
    if (media_type in INDEXES) != (found.manifests is not None) or media_type not in known:
        raise IntegrityError(f"A manifest cannot be {media_type!r}.", where=where)
    return media_type


__all__ = [
    "ACCEPT",
    "DOCKER_LIST",
    "DOCKER_MANIFEST",
    "INDEXES",
    "LARGEST",
    "MANIFESTS",
    "Child",
    "Fetched",
    "Links",
    "Manifests",
    "demand_digest",
    "links",
]
