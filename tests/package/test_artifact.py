"""A model as an artifact: which of its files are kept, and as what."""

import tarfile

import pytest

from sealift import digest
from sealift.errors import PackageError
from sealift.package.artifact import model_layers, unproved_layers, write_model
from sealift.package.unpack import write_files
from sealift.testing.store import MemoryStore

BESIDE = ("model.json", "contract.json", "profile.json", "golden.json")


@pytest.fixture
def folder(tmp_path):
    """A model in one file, and what was learnt of it."""
    for name in ("model.onnx", *BESIDE):
        (tmp_path / name).write_bytes(name.encode())
    return tmp_path


def held(store, folder):
    """The files that a model's layers hold."""
    kept = write_model(store, folder, name="m", version=1)
    return [layer.holds for layer in model_layers(store, kept.digest)]


def test_weights_outside_the_model_file_travel_with_it(folder):
    """As exporters write models of more than 2 GB: `model.onnx` and its data beside it."""
    (folder / "model.onnx.data").write_bytes(b"tensors")
    (folder / "model.onnx_data_1").write_bytes(b"more")

    assert held(MemoryStore(folder.parent / "store"), folder) == [
        "model.onnx",
        "model.onnx.data",
        "model.onnx_data_1",
        *BESIDE,
    ]


def test_other_files_stay_behind(folder):
    """What merely lies beside the model is not shipped."""
    (folder / "notebook.pkl").write_bytes(b"not for production")

    assert held(MemoryStore(folder.parent / "store"), folder) == ["model.onnx", *BESIDE]


@pytest.mark.parametrize("name", ["model.onnx", *BESIDE])
def test_a_model_that_lacks_a_part_is_refused(folder, name):
    """With the name of the part."""
    (folder / name).unlink()

    with pytest.raises(PackageError, match=name):
        write_model(MemoryStore(folder.parent / "store"), folder, name="m", version=1)


def test_a_model_is_written_as_it_lies_in_an_image(folder):
    """Programs and what they load are folders there."""
    (folder / "code").mkdir()
    (folder / "code" / "predict.py").write_text("def load(folder): ...")
    (folder / "files" / "inner").mkdir(parents=True)
    (folder / "files" / "inner" / "weights").write_bytes(b"w")
    store = MemoryStore(folder.parent / "store")
    kept = write_model(store, folder, name="m", version=1)

    write_files(store, kept.digest, folder / "there")

    found = {path.relative_to(folder / "there") for path in digest.walk(folder / "there")}
    wanted = {*BESIDE, "code/predict.py", "files/inner/weights"}
    assert {path.as_posix() for path in found} == wanted
    assert (folder / "there" / "files" / "inner" / "weights").read_bytes() == b"w"
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


def test_weights_may_leave_before_libraries_are_proved_and_programs_may_not(folder):
    """What a program loads may have libraries among it."""
    store = MemoryStore(folder.parent / "store")
    model = write_model(store, folder, name="m", version=1)
    assert unproved_layers(store, model.digest) == model_layers(store, model.digest)

    (folder / "code").mkdir()
    (folder / "files").mkdir()
    program = write_model(store, folder, name="m", version=2)
    assert unproved_layers(store, program.digest) == ()


def test_a_large_file_begins_at_a_block_of_the_disk(folder):
    """And unpacks to what it was; smaller ones have no more before them than they need."""
    for size, start in ((4 << 20, 4096), ((4 << 20) - 1, 1024)):
        (folder / "model.onnx").write_bytes(bytes(size))
        store = MemoryStore(folder.parent / f"store-{size}")
        layer = store.manifest(write_model(store, folder, name="m", version=1).digest).layers[0]
        with store.open(layer.digest) as blob, tarfile.open(fileobj=blob) as tar:
            member = tar.getmember("model/model.onnx")
            assert (member.offset_data, member.size) == (start, size)
