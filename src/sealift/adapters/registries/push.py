"""From the store to a registry: an image, what it is made of, and what refers to it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal, Self

from sealift.adapters.registries import crowd
from sealift.adapters.registries.client import PUSH, Client
from sealift.adapters.registries.manifests import LARGEST, Fetched, Links, links
from sealift.adapters.registries.reference import Reference, parse
from sealift.adapters.registries.referrers import Listing
from sealift.adapters.registries.session import Access, stoppable
from sealift.errors import IntegrityError, SealiftError, UsageError
from sealift.ports import Progress, Store
from sealift.record.image import Descriptor
from sealift.record.transfer import Pushed
from sealift.types import Digest

_DEEPEST = 8
_WORTH = 1 << 20
"""Bytes from which on asking around for a blob takes less time than sending it."""
Outcome = Literal["sent", "mounted", "skipped"]


def push(
    store: Store,
    digest: Digest,
    reference: str,
    *,
    beside: Mapping[str, Digest] | None = None,
    access: Access | None = None,
    progress: Progress | None = None,
) -> Pushed:
    """Send a manifest or an index from the store, its blobs and all that refers to it.

    ``beside`` are further tags of the repository and what they name, sent along. What the registry
    has is not sent again. Blobs go before the manifests that name them, and the
    tag last, so that whoever pulls sees the whole image or none. Raises ``RegistryError``,
    ``NotFoundError`` for content that the store lacks, and ``IntegrityError`` for damaged content.
    """
    with Pushing(store, reference, access=access, progress=progress) as going:
        return going.finish(digest, reference, beside)


class Pushing:
    """A push that begins while the rest of what is pushed is still being made; a context manager.

    Nothing that was sent ahead can be found in the registry before ``finish`` has sent what names
    it. Where that is never called, what is under way is given up.
    """

    def __init__(
        self,
        store: Store,
        reference: str,
        *,
        access: Access | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._store = store
        self._place = parse(reference)
        self._gauge = crowd.Gauge("push", progress)
        self._access = stoppable(access, self._gauge.is_stopped)
        self._client: Client | None = None
        self._around = contextlib.ExitStack()
        self._ahead = crowd.Begun[Digest, Outcome](self._gauge)

    def __enter__(self) -> Self:
        self._around.enter_context(crowd.taking_turns())
        return self

    def __exit__(self, *_: object) -> None:
        with self._around:
            self._ahead.close()
            if self._client is not None:
                with self._client:
                    self._gauge.say(self._client.notices)

    def ahead(self, blobs: Iterable[Descriptor]) -> None:
        """Begin to send blobs that ``finish`` will need; it is told what goes wrong with them."""
        with contextlib.suppress(SealiftError):  # finish meets it again
            client = self._open()
            for blob in sorted(blobs, key=lambda one: -one.size):  # the longest way is to begin
                work = partial(_blob, self._store, client, self._gauge, blob)
                if self._ahead.begin(blob.digest, work):
                    self._gauge.total += blob.size

    def finish(
        self, digest: Digest, reference: str, beside: Mapping[str, Digest] | None = None
    ) -> Pushed:
        """Send a manifest and all about it, as ``push`` does; ``reference`` has its tag."""
        target, tags = parse(reference), beside or {}
        if target.digest and target.digest != digest:
            raise UsageError(
                f"The image is {digest}, and {reference!r} names another digest.",
                remedy="Give a tag, or no digest.",
            )
        reading = _Reading(self._store)
        tree = [node for one in (*tags.values(), digest) for node in reading.tree(one)]
        self.ahead(blob for node in tree for blob in node.links.blobs)
        sending = _Push(self._store, self._open(), target, self._gauge, self._ahead)
        return sending.send(tree, digest, tags)

    def _open(self) -> Client:
        if self._client is None:
            self._client = Client(self._place, PUSH, self._access)
        return self._client


@dataclass(frozen=True)
class _Node:
    """A manifest of the store; ``referrer`` if it hangs on another one by its subject."""

    fetched: Fetched
    links: Links
    referrer: bool


class _Reading:
    """Manifests of a store, whatever each of them names before it, and once each."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._seen: set[Digest] = set()

    def tree(self, digest: Digest, *, referrer: bool = False, depth: int = 0) -> Iterator[_Node]:
        """The manifests that an image consists of, then itself, then its referrers."""
        if digest in self._seen:
            return
        if depth > _DEEPEST:
            raise IntegrityError("Indexes are nested too deep.", where=digest)
        self._seen.add(digest)
        with self._store.open(digest) as stream:
            content = stream.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise IntegrityError("This is too large for a manifest.", where=digest)
        named = links(content, digest)
        for child in named.manifests or ():
            yield from self.tree(child.digest, referrer=referrer, depth=depth + 1)
        yield _Node(Fetched(content, named.kind, digest), named, referrer)
        for one in self._store.referrers(digest):
            yield from self.tree(one.digest, referrer=True, depth=depth + 1)


class _Push:
    """One push."""

    def __init__(
        self,
        store: Store,
        client: Client,
        target: Reference,
        gauge: crowd.Gauge,
        ahead: crowd.Begun[Digest, Outcome],
    ) -> None:
        self._store = store
        self._client = client
        self._target = target
        self._gauge = gauge
        self._ahead = ahead

    def send(self, tree: list[_Node], digest: Digest, tags: Mapping[str, Digest]) -> Pushed:
        """Send manifests that are in order, after their blobs; then the tags, the root's last."""
        blobs = _blobs(tree)
        self._gauge.total = sum(blob.size for blob in blobs)
        known = {node.fetched.digest: node for node in tree}
        root = known[digest]
        others = [node for node in tree if node.referrer]
        parts = [node for node in tree if not node.referrer and (node is not root or others)]
        crowd.each(self._blob, _blobs(others), self._gauge)  # small: the large ones are under way
        listed = self._listed(others)
        # a registry that keeps no lists knows of no subjects, so nothing has to wait for them
        early = None if self._client.referrers.keeps else self._referrers(others, listed)
        outcomes = crowd.each(self._blob, blobs, self._gauge)
        new = {blob.digest for blob, how in zip(blobs, outcomes, strict=True) if how != "skipped"}
        sent = self._manifests(parts, new)
        more, listings = early or self._referrers(others, listed)
        named = [(known[one], tag) for tag, one in tags.items()]
        sent += more + sum(crowd.each(lambda one: self._named(*one), named, self._gauge))
        sent += self._named(root, self._target.target)
        crowd.each(Listing.settle, listings, self._gauge)
        sizes: dict[Outcome, list[int]] = {"sent": [], "mounted": [], "skipped": []}
        for blob, outcome in zip(blobs, outcomes, strict=True):
            sizes[outcome].append(blob.size)
        return Pushed(
            reference=str(self._target),
            digest=root.fetched.digest,
            sent_blobs=len(sizes["sent"]),
            sent_bytes=sum(sizes["sent"]),
            mounted_blobs=len(sizes["mounted"]),
            skipped_blobs=len(sizes["skipped"]),
            skipped_bytes=sum(sizes["skipped"]),
            manifests=sent,
            referrers=sum(node.referrer for node in tree),
            beside=dict(tags),
        )

    def _blob(self, blob: Descriptor) -> Outcome:
        begun = self._ahead.get(blob.digest)
        return begun or _blob(self._store, self._client, self._gauge, blob)

    def _manifests(self, nodes: list[_Node], new: set[Digest]) -> int:
        """Put manifests under their digests; how many had to be sent. ``new`` came just now."""

        def one(node: _Node) -> bool:
            if new.isdisjoint(blob.digest for blob in node.links.blobs):
                return self._named(node, node.fetched.digest)
            self._put(node, node.fetched.digest)  # it cannot be there without them
            return True

        return sum(sum(crowd.each(one, level, self._gauge)) for level in _levels(nodes))

    def _named(self, node: _Node, target: str) -> bool:
        """Put a manifest under a tag or its digest; whether it had to be sent."""
        if self._client.manifests.head(target) == node.fetched.digest:
            return False
        self._put(node, target)
        return True

    def _put(self, node: _Node, target: str) -> bool:
        """Whether the registry lists it among the referrers of its subject."""
        one = node.fetched
        return self._client.manifests.put(target, one.content, one.media_type)

    def _referrers(
        self, nodes: list[_Node], known: Mapping[Digest, set[Digest]]
    ) -> tuple[int, list[Listing]]:
        """Send what refers to others, list what the registry does not; how many were sent.

        ``known`` is what refers to the same already.
        """
        unlisted: dict[Digest, list[Descriptor]] = {}

        def one(node: _Node) -> bool:
            """Put even if it is there: only the answer tells whether the registry lists it."""
            subject, digest = node.links.subject, node.fetched.digest
            if subject and digest in known[subject.digest]:
                return self._named(node, digest)
            if not self._put(node, digest) and subject:
                unlisted.setdefault(subject.digest, []).append(_listing(node))
            return True

        sent = sum(sum(crowd.each(one, level, self._gauge)) for level in _levels(nodes))
        listings = [
            self._client.referrers.listing(subject, sorted(found, key=lambda each: each.digest))
            for subject, found in unlisted.items()
        ]
        crowd.each(Listing.write, listings, self._gauge)
        return sent, listings

    def _listed(self, nodes: list[_Node]) -> dict[Digest, set[Digest]]:
        """What refers already to that which these refer to."""
        asked = sorted({node.links.subject.digest for node in nodes if node.links.subject})
        found = [self._client.referrers.of(one) for one in asked[:1]]  # tells if there are lists
        found += crowd.each(self._client.referrers.of, asked[1:], self._gauge)
        return {one: {each.digest for each in all_} for one, all_ in zip(asked, found, strict=True)}


def _blob(store: Store, client: Client, gauge: crowd.Gauge, blob: Descriptor) -> Outcome:
    """Send a blob that the registry lacks."""
    if client.has(blob.digest):
        gauge.told(blob.size)
        return "skipped"
    access = client.access
    return client.uploads.put(
        blob,
        lambda: store.open(blob.digest),
        sources=access.sources + (access.guesses if blob.size >= _WORTH else ()),
        told=gauge.told,
    )


def _blobs(nodes: list[_Node]) -> list[Descriptor]:
    """What manifests name beside other manifests, once each."""
    return list({blob.digest: blob for node in nodes for blob in node.links.blobs}.values())


def _levels(nodes: list[_Node]) -> list[list[_Node]]:
    """Manifests that name none of each other, those that are named before those that name them."""
    depths: dict[Digest, int] = {}
    for node in nodes:
        below = [depths[one.digest] for one in node.links.manifests or () if one.digest in depths]
        depths[node.fetched.digest] = max(below, default=-1) + 1
    found: list[list[_Node]] = [[] for _ in range(max(depths.values(), default=-1) + 1)]
    for node in nodes:
        found[depths[node.fetched.digest]].append(node)
    return found


def _listing(node: _Node) -> Descriptor:
    """A referrer as it stands in a list: with its kind and annotations."""
    config = node.links.config
    return Descriptor(
        media_type=node.fetched.media_type,
        digest=node.fetched.digest,
        size=len(node.fetched.content),
        artifact_type=node.links.artifact_type or (config.media_type if config else None),
        annotations=node.links.annotations,
    )


__all__ = ["Pushing", "push"]
