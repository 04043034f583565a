"""The reference profile comes from the model's own artifact."""

import msgspec
import numpy as np
import pytest

from sealift.adapters.stores.layout import Layout
from sealift.errors import IntegrityError, NotFoundError
from sealift.package.artifact import write_model
from sealift.record.image import MANIFEST, Manifest
from sealift.record.profile import Profile
from sealift.stats.sketch import profile_numbers
from sealift.testing.ledger import MemoryLedger
from sealift.testing.ledger_suite import model
from sealift.watch.profiles import Profiles

NUMBERS = profile_numbers("x", np.arange(100.0))
PROFILE = Profile(rows=100, fields=(NUMBERS,), target=NUMBERS, prediction=NUMBERS, baseline=1.0)


@pytest.fixture
def store(tmp_path):
    """An empty store."""
    return Layout(tmp_path / "layout", tmp_path / "unpacked")


def kept(store, folder, profile):
    """The digest of a model's artifact with this profile."""
    folder.mkdir()
    for name in ("model.onnx", "model.json", "contract.json", "golden.json"):
        (folder / name).write_text("{}")
    (folder / "profile.json").write_bytes(profile)
    return write_model(store, folder, name="m", version=1).digest


def test_each_version_has_its_own(tmp_path, store):
    """A model whose artifact is gone, or has no profile, is left out."""
    ledger = MemoryLedger()
    other = msgspec.structs.replace(PROFILE, rows=7)
    whole = kept(store, tmp_path / "a", msgspec.json.encode(PROFILE))
    manifest = store.manifest(whole)
    bare = Manifest(config=manifest.config, layers=manifest.layers[:1])
    ledger.save(model(1, digest=whole))
    ledger.save(model(2, digest=kept(store, tmp_path / "b", msgspec.json.encode(other))))
    ledger.save(model(3))
    ledger.save(model(4, digest=store.put(msgspec.json.encode(bare), MANIFEST).digest))
    profiles = Profiles(ledger, store)

    assert profiles.known() == {1: PROFILE, 2: other}
    assert profiles(1) == PROFILE
    for missing in (3, 4, 5):
        with pytest.raises(NotFoundError):
            profiles(missing)


def test_a_profile_that_cannot_be_read_is_damage(tmp_path, store):
    """It says which one."""
    ledger = MemoryLedger()
    ledger.save(model(1, digest=kept(store, tmp_path / "a", b'{"rows": "many"}')))

    with pytest.raises(IntegrityError, match="profile of model 1 cannot be read"):
        Profiles(ledger, store)(1)
