"""A repository of a registry as a place where blobs can be had by their digests."""

from __future__ import annotations

from collections.abc import Sequence

from sealift.adapters.registries import crowd
from sealift.adapters.registries.client import PULL, Client
from sealift.adapters.registries.pull import bring
from sealift.adapters.registries.reference import parse
from sealift.adapters.registries.session import Access, stoppable
from sealift.errors import IntegrityError, MachineError, NotFoundError
from sealift.ports import Progress, Store
from sealift.record.image import Descriptor


class RegistryDepot:
    """The blobs of ``repository`` (``HOST/NAME``), whatever is tagged there."""

    def __init__(self, repository: str, access: Access, progress: Progress | None = None) -> None:
        self._source = parse(repository)
        self._access = access
        self._progress = progress

    def bring(self, blobs: Sequence[Descriptor], store: Store) -> bool:
        """Bring blobs into a store; False when the registry does not have, or give, all of them."""
        gauge = crowd.Gauge("pull", self._progress)
        try:
            with Client(self._source, PULL, stoppable(self._access, gauge.is_stopped)) as client:
                bring(blobs, store, client, gauge)
        except (MachineError, NotFoundError, IntegrityError):
            return False
        return True


__all__ = ["RegistryDepot"]
