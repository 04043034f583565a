"""A call of a small, quick model has one thread; others have the worker's share of them."""

import shutil

import pytest
import toy_models as models
from toy_running import build

from sealift.serve.artifact import read
from sealift.serve.ready import Certified, brief, certify, quick


@pytest.fixture(scope="module")
def slow_folder(tmp_path_factory):
    """A model that takes long for each row."""
    path = tmp_path_factory.mktemp("slow")
    return build(path, models.slow_model, models.tensor_table, target="y")


def test_a_quick_model_is_called_with_one_thread(tensor_folder):
    """To wake others would cost more than they bring."""
    artifact = read(tensor_folder)

    assert quick(artifact)
    outcome = certify(artifact, threads=2)
    assert isinstance(outcome, Certified)


def test_a_model_that_takes_long_gets_all_the_threads_there_are(slow_folder):
    """One thread took more than a millisecond for its golden vectors."""
    assert not quick(read(slow_folder))


def test_a_model_of_many_bytes_is_not_loaded_twice(tensor_folder, tmp_path):
    """However quick it may be."""
    folder = shutil.copytree(tensor_folder, tmp_path / "model")
    with (folder / "weights").open("wb") as file:
        file.truncate(64 << 20)

    assert not quick(read(folder))


def test_nobody_need_be_told_that_small_models_are_loaded(tensor_folder, tmp_path):
    """That one with many bytes is, or a program, or small ones that are large together."""
    large = shutil.copytree(tensor_folder, tmp_path / "large")
    with (large / "weights").open("wb") as file:
        file.truncate(64 << 20)
    program = shutil.copytree(tensor_folder, tmp_path / "program")
    (program / "code").mkdir()

    half = shutil.copytree(tensor_folder, tmp_path / "half")
    with (half / "weights").open("wb") as file:
        file.truncate(5 << 20)

    assert brief(read(tensor_folder), read(half))
    for folders in ((large,), (program, half), (half, half)):
        assert not brief(*map(read, folders))


def test_what_is_wrong_with_a_model_is_told_by_its_certification(tensor_folder, tmp_path):
    """Not by the look at how quick it is."""
    folder = shutil.copytree(tensor_folder, tmp_path / "model")
    (folder / "model.onnx").write_bytes(b"no model")

    assert not quick(read(folder))
    assert certify(read(folder), threads=2) == "The model cannot be loaded."
