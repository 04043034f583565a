"""From a registry to the store: an image, what it is made of, and what refers to it."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from sealift.adapters.registries import crowd
from sealift.adapters.registries.client import PULL, Client
from sealift.adapters.registries.manifests import Fetched, links
from sealift.adapters.registries.partial import partial, sweep
from sealift.adapters.registries.reference import parse
from sealift.adapters.registries.session import Access, stoppable
from sealift.errors import IntegrityError, NotFoundError
from sealift.ports import Progress, Store
from sealift.record.image import Descriptor
from sealift.types import Digest

PARTIAL = "partial"
"""The folder of unfinished downloads beside the blobs of a store."""
_SMALL = 1 << 20
"""Bytes up to which a blob is fetched in memory, and from the beginning after a crash."""
_DEEPEST = 8
_MOST_REFERRERS = 1000


def pull(
    reference: str,
    store: Store,
    *,
    platform: str = "",
    access: Access | None = None,
    progress: Progress | None = None,
) -> Digest:
    """Bring an image or an index into the store, with all that refers to it; its digest.

    ``platform`` (``os/architecture``) takes that one's image out of an index. What the store has
    is not fetched; a pull that was killed goes on where it was. The manifest is kept and named
    ``reference`` after everything it names. Raises ``RegistryError``, ``NotFoundError`` and
    ``IntegrityError``.
    """
    source = parse(reference)
    gauge = crowd.Gauge("pull", progress)
    with Client(source, PULL, stoppable(access, gauge.is_stopped)) as client:
        pulling = _Pull(store, client)
        root = pulling.chosen(client.manifests.get(source.target), platform)
        nodes = list(pulling.tree(root))
        bring([blob for node in nodes for blob in node.links.blobs], store, client, gauge)
        gauge.say(client.notices)
    for node in nodes:
        store.put(node.content, node.media_type)
    kept = Descriptor(media_type=root.media_type, digest=root.digest, size=len(root.content))
    store.tag(str(source), msgspec.structs.replace(kept, artifact_type=root.links.artifact_type))
    return root.digest


class _Pull:
    """One pull."""

    def __init__(self, store: Store, client: Client) -> None:
        self._store = store
        self._client = client
        self._seen: set[Digest] = set()

    def chosen(self, root: Fetched, platform: str) -> Fetched:
        """What to pull: the manifest itself, or that of a platform in an index."""
        children = root.links.manifests
        if not platform or children is None:
            return root
        for child in children:
            if child.runs_on(platform):
                return self._client.manifests.get(child.digest)
        known = sorted(
            "/".join(str(one.platform.get(key)) for key in ("os", "architecture"))
            for one in children
            if one.platform
        )
        raise NotFoundError(
            f"The image is not there for {platform}.",
            where=root.digest,
            remedy=f"It is there for: {', '.join(known) or 'no named platform'}.",
        )

    def tree(self, root: Fetched, depth: int = 0) -> Iterator[Fetched]:
        """The manifests that an index names, then itself, then its referrers."""
        if root.digest in self._seen:
            return
        if depth > _DEEPEST:
            raise IntegrityError("Indexes are nested too deep.", where=root.digest)
        self._seen.add(root.digest)
        for child in root.links.manifests or ():
            yield from self.tree(self._manifest(child.digest), depth + 1)
        yield root
        for one in self._client.referrers.of(root.digest)[:_MOST_REFERRERS]:
            # a list that clients maintain may name what was deleted since
            with contextlib.suppress(NotFoundError):
                yield from self.tree(self._manifest(one.digest), depth + 1)

    def _manifest(self, digest: Digest) -> Fetched:
        if digest in self._seen or not self._store.has(digest):
            return self._client.manifests.get(digest)
        with self._store.open(digest) as stream:
            content = stream.read()
        return Fetched(content, links(content, digest).kind, digest)


def bring(blobs: Sequence[Descriptor], store: Store, client: Client, gauge: crowd.Gauge) -> None:
    """Bring blobs into a store, several at once; those that it has are not fetched.

    Raises ``RegistryError``, ``NotFoundError`` and ``IntegrityError``.
    """
    once = {blob.digest: blob for blob in blobs if not store.has(blob.digest)}
    gauge.total = sum(blob.size for blob in once.values())
    sweep(store.root / PARTIAL)
    crowd.each(lambda blob: _bring(blob, store, client, gauge), once.values(), gauge)


def _bring(blob: Descriptor, store: Store, client: Client, gauge: crowd.Gauge) -> None:
    if blob.size <= _SMALL:
        file = io.BytesIO()
        client.downloads.get(blob, file, told=gauge.told)
        store.put(file.getvalue(), blob.media_type)
        return
    with partial(store.root / PARTIAL, blob.digest, lambda: gauge.told(0)) as part:
        if not store.has(blob.digest):
            client.downloads.get(blob, part, told=gauge.told)
            part.flush()
            store.adopt(Path(part.name), blob.digest)


__all__ = ["PARTIAL", "bring", "pull"]
