"""The reference profile of a model version, from the model's artifact in the store."""

from __future__ import annotations

import tarfile

import msgspec

from sealift.errors import IntegrityError, NotFoundError
from sealift.ports import Ledger, Store
from sealift.record.model import Model
from sealift.record.profile import Profile

FILE = "model/profile.json"
PLACE = "org.cncf.model.filepath"


class Profiles:
    """The profiles of all versions; each is read at most once."""

    def __init__(self, ledger: Ledger, store: Store) -> None:
        self._ledger = ledger
        self._store = store
        self._read: dict[int, Profile] = {}

    def __call__(self, version: int) -> Profile:
        """The profile of a version; ``NotFoundError`` when there is no such model."""
        if version not in self._read:
            self._read[version] = read_profile(self._store, self._ledger.get(Model, version))
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


def read_profile(store: Store, model: Model) -> Profile:
    """The profile in a model's artifact.

    Raises ``NotFoundError`` when the artifact or the profile is not there, and ``IntegrityError``
    when it cannot be read.
    """
    layers = store.manifest(model.digest).layers
    layer = next((one for one in layers if (one.annotations or {}).get(PLACE) == FILE), None)
    if layer is None:
        raise NotFoundError(f"Model {model.version} has no reference profile.", where=model.digest)
    try:
        with store.open(layer.digest) as blob, tarfile.open(fileobj=blob, mode="r|") as tar:
            content = next((tar.extractfile(one) for one in tar if one.name == FILE), None)
            return msgspec.json.decode(content.read() if content else b"", type=Profile)
    except (tarfile.TarError, EOFError, msgspec.DecodeError) as error:
        raise IntegrityError(
            f"The reference profile of model {model.version} cannot be read: {error}.",
            where=layer.digest,
        ) from error


__all__ = ["Profiles", "read_profile"]
