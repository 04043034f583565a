"""``index.json`` of an OCI image layout: names of manifests, and referrers without a name."""

from __future__ import annotations

import contextlib
import fcntl
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from sealift import digest
from sealift.adapters.stores.blobs import replace
from sealift.errors import IntegrityError, MachineError, NotFoundError, UsageError
from sealift.record.image import INDEX, Descriptor
from sealift.record.shape import nearest
from sealift.types import Digest

REFERENCE = "org.opencontainers.image.ref.name"
# image-spec 1.1, annotations.md: grammar of ref.name
_PART = r"[A-Za-z0-9]+(?:(?:[-._:@/+]|--)[A-Za-z0-9]+)*"
_NAME = re.compile(rf"{_PART}(?:/{_PART})*")


class _Content(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    schema_version: int = msgspec.field(default_factory=lambda: 2)
    media_type: str = msgspec.field(default_factory=lambda: INDEX)
    manifests: tuple[Descriptor, ...] = msgspec.field(default_factory=lambda: ())
    annotations: dict[str, str] | None = None


class Index:
    """The index of the layout at ``root``; several processes may change it at once."""

    def __init__(self, root: Path) -> None:
        self._file = root / "index.json"
        self._marker = root / "oci-layout"
        self._lock = root / "index.lock"

    def entries(self) -> tuple[Descriptor, ...]:
        """Every manifest in the index, oldest first; the same one once for each name."""
        return self._content().manifests

    def _content(self) -> _Content:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=_Content)
        except FileNotFoundError:
            return _Content()
        except OSError as error:
            raise MachineError(
                f"The store cannot be read: {error.strerror}.", where=str(self._file)
            ) from error
        except msgspec.MsgspecError as error:
            raise IntegrityError(
                f"The index of the store cannot be read: {error}.", where=str(self._file)
            ) from error

    def add(self, manifest: Descriptor) -> None:
        """List a manifest without a name, once."""
        with self._changing() as entries:
            if all(entry.digest != manifest.digest for entry in entries):
                entries.append(manifest)

    def remove(self, manifest: Digest) -> None:
        """List a manifest no longer, under no name."""
        with self._changing() as entries:
            entries[:] = [entry for entry in entries if entry.digest != manifest]

    def name(self, name: str, manifest: Descriptor) -> None:
        """Give a manifest a name, taking it from any other.

        An artifact that loses its last name stays in the index, an image does not. Raises
        ``UsageError`` for a name that the format does not allow.
        """
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"{name!r} cannot name an image.",
                remedy="Use letters and digits, with single . _ - : / + @ between them.",
            )
        marks = {**(manifest.annotations or {}), REFERENCE: name}
        named = msgspec.structs.replace(manifest, annotations=marks)
        with self._changing() as entries:
            entries[:] = list(_renamed(entries, named))

    def find(self, name: str) -> Descriptor:
        """The manifest of a name; ``NotFoundError`` with the nearest, or those there are."""
        entries = self.entries()
        for entry in entries:
            if reference(entry) == name:
                return plain(entry)
        names = {reference(entry) for entry in entries} - {""}
        raise NotFoundError(
            f"Nothing in the store is called {name!r}.",
            remedy=nearest(name, names, "The store has no names yet."),
        )

    @contextlib.contextmanager
    def _changing(self) -> Iterator[list[Descriptor]]:
        try:
            self._lock.parent.mkdir(parents=True, exist_ok=True)
            lock = self._lock.open("ab")
        except OSError as error:
            raise MachineError(
                f"The store cannot be written: {error.strerror}.", where=str(self._lock.parent)
            ) from error
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self._marker.exists():
                replace(self._marker, digest.canonical({"imageLayoutVersion": "1.0.0"}))
            whole = self._content()
            entries = list(whole.manifests)
            yield entries
            if tuple(entries) != whole.manifests or not self._file.exists():
                content = msgspec.structs.replace(whole, manifests=tuple(entries))
                replace(self._file, digest.canonical(msgspec.to_builtins(content)))


def reference(entry: Descriptor) -> str:
    """The name of an entry; empty when it has none."""
    return (entry.annotations or {}).get(REFERENCE, "")


def plain(entry: Descriptor) -> Descriptor:
    """An entry without its name."""
    rest = {key: text for key, text in (entry.annotations or {}).items() if key != REFERENCE}
    return msgspec.structs.replace(entry, annotations=rest or None)


def _renamed(entries: list[Descriptor], named: Descriptor) -> Iterator[Descriptor]:
    """The entries with ``named`` in its place: every other keeps its place, and so the order."""
    name = reference(named)
    others = [e for e in entries if reference(e) not in ("", name)]
    listed = {named.digest, *(entry.digest for entry in others)}
    for entry in entries:
        if reference(entry) not in ("", name):
            yield entry
        elif entry.digest not in listed and (entry.artifact_type or not reference(entry)):
            listed.add(entry.digest)
            yield plain(entry)
    yield named


__all__ = ["REFERENCE", "Index", "plain", "reference"]
