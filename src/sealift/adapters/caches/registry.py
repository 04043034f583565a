"""A repository of a registry: each step is an artifact with its key as a tag, outputs as layers."""

from __future__ import annotations

from pathlib import Path

import msgspec

from sealift.adapters.registries import crowd
from sealift.adapters.registries.client import PULL, Client
from sealift.adapters.registries.pull import bring
from sealift.adapters.registries.push import push
from sealift.adapters.registries.reference import parse
from sealift.adapters.registries.session import Access
from sealift.errors import NotFoundError
from sealift.ports import Store
from sealift.record.image import LAYER, MANIFEST, Descriptor, Manifest
from sealift.record.run import Run, StepRun
from sealift.types import Digest

STEP = "application/vnd.sealift.step.v1+json"


class RegistryCache:
    """The cache in a ``repository`` (HOST/NAME), and the ``store`` that outputs come and go."""

    def __init__(self, repository: str, store: Store, access: Access) -> None:
        self._place, self._store, self._access = parse(repository), store, access

    def find(self, key: Digest) -> StepRun | None:
        """A step with this key, its outputs brought into the store; None where there is none.

        Raises ``RegistryError`` where the registry does not answer.
        """
        source = msgspec.structs.replace(self._place, tag=_tag(key), digest="")
        with Client(source, PULL, self._access) as client:
            try:
                manifest = client.manifests.get(source.target)
                bring(manifest.links.blobs, self._store, client, crowd.Gauge("pull", None))
                config = msgspec.json.decode(manifest.content, type=Manifest).config
                with self._store.open(config.digest) as blob:
                    step = msgspec.json.decode(blob.read(), type=StepRun)
            except (NotFoundError, msgspec.DecodeError):
                return None
        there = all(self._store.has(output) for output in step.outputs.values())
        return step if step.key == key and there else None

    def offer(self, step: StepRun) -> None:
        """Put a finished step there for others; what raises is as with any push."""
        content = msgspec.json.encode(step, order="deterministic")
        manifest = Manifest(
            artifact_type=STEP,
            config=self._store.put(content, STEP),
            layers=tuple(self._layer(output) for output in dict.fromkeys(step.outputs.values())),
        )
        kept = self._store.put(msgspec.json.encode(manifest), MANIFEST)
        place = msgspec.structs.replace(self._place, tag=_tag(step.key), digest="")
        push(self._store, kept.digest, str(place), access=self._access)

    def keep(self, key: Digest, folder: Path) -> None:
        """Nothing: what is put into a registry mostly stays there for good."""

    def resume(self, key: Digest, folder: Path) -> bool:
        """Nothing is kept."""
        del key, folder
        return False

    def drop(self, key: Digest) -> None:
        """Nothing is kept."""

    def publish(self, run: Run) -> None:
        """Nothing: a registry has steps alone."""

    def recall(self, word: str) -> None:
        """No run is there."""

    def _layer(self, output: Digest) -> Descriptor:
        size = (self._store.root / "blobs" / output.replace(":", "/")).stat().st_size
        return Descriptor(media_type=LAYER, digest=output, size=size)


def _tag(key: Digest) -> str:
    return f"step-{key.partition(':')[2]}"


__all__ = ["RegistryCache"]
