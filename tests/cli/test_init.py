"""The first command: a project where there was none, or nothing at all."""

import os
import tomllib

import pytest

from sealift.cli.start import TEMPLATE


def test_init_writes_a_project_that_is_named_after_its_folder(empty):
    """And says how to go there, quoted where the shell needs it."""
    said = empty("init", "Red Wines")
    assert said.code == 0
    assert "next: cd 'Red Wines' && sealift train" in said.answer
    project = tomllib.loads((empty.folder / "Red Wines" / "sealift.toml").read_text())
    assert project["name"] == "red-wines"
    assert empty("status", "-C", "Red Wines").code == 0


def test_init_overwrites_nothing(empty):
    """A second time, or where one of its files is there already."""
    (empty.folder / "train.py").write_text("mine\n")
    said = empty("init")
    assert said.code == 2
    assert "train.py would be overwritten" in said.talk
    assert [path.name for path in empty.folder.iterdir()] == ["train.py"]
    assert empty("init", "other").code == 0
    assert empty("init", "other").code == 2


def test_init_adds_to_the_files_that_are_there(empty):
    """The lines of a .gitignore stay; what is missing comes behind them."""
    (empty.folder / ".gitignore").write_text("/out/\nvenv")
    said = empty("init", "--json")
    assert said.value["files"] == [*TEMPLATE, ".gitignore"]
    lines = (empty.folder / ".gitignore").read_text().splitlines()
    assert lines == ["/out/", "venv", "/.sealift/", "__pycache__/"]


@pytest.mark.parametrize("name", ["taken", "taken/below", "a" * 300])
def test_init_where_no_folder_can_be_says_so(empty, name):
    """And leaves nothing behind."""
    (empty.folder / "taken").write_text("a file\n")
    said = empty("init", name)
    assert said.code in (2, 4)
    assert said.talk.startswith("error: ")
    assert "next: " in said.talk
    assert os.listdir(empty.folder) == ["taken"]  # noqa: PTH208 - names are enough
