"""What goes into an image is looked at before the image is built."""

import pytest

from sealift import digest
from sealift.errors import PackageError
from sealift.package import content
from sealift.package.artifact import write_model
from sealift.record.contract import Contract
from sealift.record.model import Model
from sealift.testing.store import MemoryStore

PICKLE = b"cposix\nsystem\n(S'true'\ntR."


@pytest.fixture
def store(tmp_path):
    """An empty store."""
    return MemoryStore(tmp_path / "store")


def model(store, folder, **files):
    """A registered model of these files."""
    folder.mkdir()
    beside = dict.fromkeys(("model.json", "contract.json", "profile.json", "golden.json"), b"{}")
    for name, data in (beside | files).items():
        (folder / name).write_bytes(data)
    artifact = write_model(store, folder, name="rents", version=3)
    empty = Contract(task="regression", target="y", fields=(), outputs=(), prediction="y")
    return Model(
        name="rents",
        version=3,
        digest=artifact.digest,
        content=artifact.digest,
        run="r1",
        created=0.0,
        task="regression",
        metrics={},
        contract=empty,
    )


def test_weights_that_run_code_are_not_packaged_unless_allowed(store, tmp_path):
    """Though they are called as the weights of an ONNX model are."""
    pickled = model(store, tmp_path / "m", **{"model.onnx": b"\x08\x0a", "model.onnx.data": PICKLE})

    with pytest.raises(PackageError) as told:
        content.require(pickled, (), store=store)
    assert told.value.where == "model 3: model.onnx.data"
    content.require(pickled, [digest.of_bytes(PICKLE)], store=store)


def test_plain_weights_are_packaged(store, tmp_path):
    """Numbers are only numbers."""
    plain = {"model.onnx": b"\x08\x0a", "model.onnx.data": bytes(range(256)) * 99}

    content.require(model(store, tmp_path / "m", **plain), (), store=store)
