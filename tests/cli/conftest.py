"""A tiny project, and the real command run in it."""

import pytest
from command import Command

TINY = """\
name = "tiny"

[data.flights]
uri = "data/*.csv"

[steps.train]
run = "python train.py {depth}"
reads = ["data.flights"]
writes = { model = "out/model" }
params = { depth = 6 }
"""


@pytest.fixture
def empty(tmp_path):
    """The command in a folder with nothing in it, under a name that needs care."""
    folder = tmp_path / "ünï cödé [bold]"
    folder.mkdir()
    return Command(folder)


@pytest.fixture
def tiny(empty):
    """The command in a project with one step and one dataset."""
    (empty.folder / "sealift.toml").write_text(TINY)
    (empty.folder / "train.py").write_text("")
    (empty.folder / "data").mkdir()
    (empty.folder / "data" / "march.csv").write_text("delay\n3\n")
    return empty
