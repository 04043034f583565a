"""What goes into an image is looked at once more: none of it runs code when it is loaded."""

from __future__ import annotations

import tarfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from sealift import digest
from sealift.errors import IntegrityError
from sealift.formats.evidence import Finding
from sealift.formats.refusal import refuse
from sealift.formats.scan import examine
from sealift.modelpack import PLACE
from sealift.package.artifact import model_layers
from sealift.package.headers import headers
from sealift.ports import Store
from sealift.record.image import Descriptor
from sealift.record.model import Model
from sealift.types import Digest


def require(model: Model, allowed: Collection[str], *, store: Store) -> None:
    """Refuse a model whose files run code, unless they are allowed by their digests.

    Raises ``PackageError``; ``IntegrityError`` for a layer that is no tar of files.
    """
    findings = []
    for layer in model_layers(store, model.digest):
        for name in _names(store, layer.descriptor):
            found = _finding(store, layer.descriptor.digest, name)
            findings += [found] if found else []
    refuse(findings, allowed, where=f"model {model.version}")


def _finding(store: Store, address: Digest, name: str) -> Finding | None:
    seen = examine(lambda: _content(store, address, name), None, name)
    if not seen.imports and not seen.unclear:
        return None
    with _content(store, address, name) as stream:
        return seen.finding(name.removeprefix(f"{PLACE}/"), digest.of_stream(stream))


def _names(store: Store, layer: Descriptor) -> list[str]:
    """The files in a layer of a model; of the last one, nothing but its header is read."""
    try:
        with store.open(layer.digest) as blob:
            members = list(headers(blob, layer.size))
    except tarfile.TarError as error:
        raise _damaged(layer.digest, error) from error
    if not members:
        raise IntegrityError("A layer of the model holds nothing.", where=layer.digest)
    return [one.name for one in members if one.isfile()]


@contextmanager
def _content(store: Store, address: Digest, name: str) -> Iterator[BinaryIO]:
    """One file in a layer of a model."""
    with _opened(store, address) as archive:
        member = next((one for one in archive if one.name == name), None)
        stream = archive.extractfile(member) if member else None
        if stream is None:
            raise IntegrityError(f"A layer of the model has lost {name}.", where=address)
        yield cast("BinaryIO", stream)


@contextmanager
def _opened(store: Store, address: Digest) -> Iterator[tarfile.TarFile]:
    try:
        with store.open(address) as blob, tarfile.open(fileobj=blob, mode="r|") as archive:
            yield archive
    except tarfile.TarError as error:
        raise _damaged(address, error) from error


def _damaged(address: Digest, error: tarfile.TarError) -> IntegrityError:
    return IntegrityError(f"A layer of the model is damaged: {error}.", where=address)


__all__ = ["require"]
