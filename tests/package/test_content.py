"""What goes into an image is looked at before the image is built."""

import pytest

from sealift import digest
from sealift.errors import PackageError
from sealift.package import content
from sealift.package.artifact import model_layers, write_model
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
    return registered(store, folder, **files)


def registered(store, folder, **files):
    """A registered model of a folder and these files."""
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


def test_every_file_of_a_program_is_looked_at(store, tmp_path):
    """Its files are in layers of folders, and an empty folder is no fault."""
    folder = tmp_path / "m"
    (folder / "code").mkdir(parents=True)
    (folder / "files" / "inner").mkdir(parents=True)
    (folder / "code" / "predict.py").write_text("def load(folder): ...\n")
    (folder / "files" / "inner" / "a.joblib").write_bytes(PICKLE)
    own = registered(store, folder)

    with pytest.raises(PackageError) as told:
        content.require(own, (), store=store)
    assert told.value.where == "model 3: files/inner/a.joblib"
    content.require(own, [digest.of_bytes(PICKLE)], store=store)
    held = [layer.holds for layer in model_layers(store, own.digest)]
    assert held[:2] == ["code", "files"]
    (folder / "files" / "inner" / "a.joblib").unlink()
    (folder / "files" / "inner").rmdir()
    content.require(registered(store, folder), (), store=store)
