"""Whether a process answers while the model is loaded, in real servers."""

import shutil

import pytest
from test_program import learnt
from toy_running import SOURCE, Running

from sealift.serve.ready import SMALL

COUNTING = """
import os

def divided():
    with open({path!r}, "a") as file:
        print(os.getpid(), file=file)

os.register_at_fork(after_in_parent=divided)
"""

PROGRAM = """
    def load(folder):
        return 1.0

    def predict(model, inputs):
        return model * inputs["size"]
"""


def children(folder, tmp_path):
    """How many processes a server of one worker has started until it is ready."""
    counted = tmp_path / "counted"
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(COUNTING.format(path=str(counted)))
    with Running(folder, tmp_path / "log", PYTHONPATH=f"{site}:{SOURCE}") as server:
        server.ready()
        assert server.terminate() == 0
        return counted.read_text().split().count(str(server.process.pid))


@pytest.mark.parametrize(
    ("size", "started"), [(SMALL, 1), (SMALL + 1, 2)], ids=["small", "too large by a byte"]
)
def test_the_size_of_a_model_decides_whether_there_is_a_porter(
    tensor_folder, tmp_path, size, started
):
    """A small one is there before anybody could be told to wait: its worker is the only process
    that is started. For a larger one a porter goes before.
    """
    folder = shutil.copytree(tensor_folder, tmp_path / "model")
    filling = size - sum(path.stat().st_size for path in folder.iterdir())
    (folder / "README").write_bytes(b"x" * filling)

    assert children(folder, tmp_path) == started


def test_a_program_has_a_porter_however_small_it_is(tmp_path):
    """Nobody knows how long it takes to be loaded."""
    assert children(learnt(tmp_path, PROGRAM), tmp_path) == 2
