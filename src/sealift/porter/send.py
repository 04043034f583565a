"""Sending what a step wrote to a registry: ``send OUTPUTS`` says the digest of its manifest."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, cast

import msgspec

from sealift import archive, digest, process
from sealift.adapters.registries.client import PUSH, Client
from sealift.adapters.registries.reference import parse
from sealift.adapters.registries.session import Access
from sealift.kubernetes.step import PATH
from sealift.network.network import Network
from sealift.porter.telling import telling
from sealift.record.image import LAYER, MANIFEST, Descriptor, Manifest
from sealift.record.network import NetworkSettings

OUTPUTS = "application/vnd.sealift.outputs.v1+json"
_OUTBOX = ".sending"


class Sending(msgspec.Struct, frozen=True):
    """What is to be sent ``to`` a repository: by its path, the volume and the place in it."""

    to: str
    plain: bool
    paths: dict[str, tuple[str, str]]


def main(arguments: Sequence[str]) -> int:
    """Send the outputs that the first argument tells of; the exit status."""
    return telling(lambda: send(msgspec.json.decode(arguments[0], type=Sending)))


def send(sending: Sending) -> str:
    """Send what is there of the outputs as one artifact; the digest of its manifest.

    Raises what registries raise, and ``DataError`` for what no tree can hold.
    """
    place = parse(sending.to)
    settings = NetworkSettings(insecure=[place.server] if sending.plain else [])
    with Client(place, PUSH, Access(Network(settings))) as client:
        layers = tuple(_layers(client, sending))
        named: list[str] = [str(one.annotations) for one in layers]
        config = _small(client, json.dumps(named).encode(), OUTPUTS)
        manifest = Manifest(artifact_type=OUTPUTS, config=config, layers=layers)
        content = msgspec.json.encode(manifest)
        client.manifests.put(place.target, content, MANIFEST)
    return digest.of_bytes(content)


def _layers(client: Client, sending: Sending) -> Iterator[Descriptor]:
    for path, (volume, inner) in sending.paths.items():
        root = Path(volume)
        found = (root / inner if inner else root).resolve()
        if not found.exists() or not found.is_relative_to(root.resolve()):
            continue  # whoever asked for it says that it is missing
        box = root.parent / _OUTBOX
        with box.open("wb") as file:
            for piece in archive.pack(_tree(found)):
                file.write(piece)
        blob = Descriptor(
            media_type=LAYER,
            digest=digest.of_file(box),
            size=box.stat().st_size,
            annotations={PATH: path},
        )
        _sent(client, blob, box)
        box.unlink()
        yield blob


def _tree(found: Path) -> Iterator[archive.Entry]:
    """What a store packs of a file or a folder, so that it has the same digest there."""
    if found.is_dir():
        yield from archive.entries(found)
    else:
        yield archive.file_entry("content", found)


def _small(client: Client, content: bytes, kind: str) -> Descriptor:
    blob = Descriptor(media_type=kind, digest=digest.of_bytes(content), size=len(content))
    if not client.has(blob.digest):
        client.uploads.put(blob, lambda: io.BytesIO(content))
    return blob


def _sent(client: Client, blob: Descriptor, file: Path) -> None:
    if not client.has(blob.digest):
        client.uploads.put(blob, lambda: cast("BinaryIO", file.open("rb")))


if __name__ == "__main__":
    process.exit_now(main(sys.argv[1:]))


__all__ = ["OUTPUTS", "Sending", "main", "send"]
