"""Sending what a step wrote to a registry: ``send OUTPUTS`` says the digest of its manifest."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, cast

import msgspec

from sealift import digest, process
from sealift.adapters.registries.client import PUSH, Client
from sealift.adapters.registries.reference import parse
from sealift.adapters.registries.session import Access
from sealift.kubernetes.porter import PATH, Sending
from sealift.porter.boxes import boxed
from sealift.porter.roads import network
from sealift.porter.telling import telling
from sealift.record.image import LAYER, MANIFEST, Descriptor, Manifest

OUTPUTS = "application/vnd.sealift.outputs.v1+json"


def main(arguments: Sequence[str]) -> int:
    """Send the outputs that the first argument tells of; the exit status."""
    return telling(lambda: send(msgspec.json.decode(arguments[0], type=Sending)))


def send(sending: Sending) -> str:
    """Send what is there of the outputs as one artifact; the digest of its manifest.

    Raises what registries raise, and ``DataError`` for what no tree can hold.
    """
    place = parse(sending.to)
    access = Access(network(insecure=[place.server] if sending.plain else []))
    with Client(place, PUSH, access) as client:
        layers = tuple(_layers(client, sending))
        named: list[str] = [str(one.annotations) for one in layers]
        config = _small(client, json.dumps(named).encode(), OUTPUTS)
        manifest = Manifest(artifact_type=OUTPUTS, config=config, layers=layers)
        content = msgspec.json.encode(manifest)
        client.manifests.put(place.target, content, MANIFEST)
    return digest.of_bytes(content)


def _layers(client: Client, sending: Sending) -> Iterator[Descriptor]:
    for path, box in boxed(sending):
        blob = Descriptor(
            media_type=LAYER,
            digest=digest.of_file(box),
            size=box.stat().st_size,
            annotations={PATH: path},
        )
        _sent(client, blob, box)
        yield blob


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


__all__ = ["OUTPUTS", "main", "send"]
