"""The reference profile of a model version, from the model's artifact in the store."""

from __future__ import annotations

from sealift import modelpack
from sealift.errors import NotFoundError
from sealift.ports import Ledger, Store
from sealift.record.model import Model
from sealift.record.profile import Profile


class Profiles:
    """The profiles of all versions; each is read at most once."""

    def __init__(self, ledger: Ledger, store: Store) -> None:
        self._ledger = ledger
        self._store = store
        self._read: dict[int, Profile] = {}

    def __call__(self, version: int) -> Profile:
        """The profile of a version.

        Raises ``NotFoundError`` when there is no such model, or none of its profile, and
        ``IntegrityError`` when it cannot be read.
        """
        if version not in self._read:
            model = self._ledger.get(Model, version)
            self._read[version] = modelpack.read(self._store, model, "profile", Profile)
        return self._read[version]

    def known(self) -> dict[int, Profile]:
        """The profiles of every model version that has one."""
        found = {}
        for model in self._ledger.all(Model):
            try:
                found[model.version] = self(model.version)
            except NotFoundError:
                continue
        return found


__all__ = ["Profiles"]
