"""A server beside whose code lies compiled code of another time."""

import shutil
from pathlib import Path

import pytest
from toy_running import Running

import sealift
from sealift.serve import native

ROW = {"a": 0.5, "b": 1.0, "c": -1.5}
OWN = "VERSION = "


@pytest.fixture
def installed(tmp_path):
    """A copy of Sealift whose compiled code is its own."""
    return Path(
        shutil.copytree(
            Path(sealift.__file__).parent,
            tmp_path / "installed/sealift",
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    )


def told(installed, folder, log):
    """What a server of such a copy says of its compiled code, once it has answered."""
    settings = {"PYTHONPATH": str(installed.parent), "SEALIFT_WORKERS": "2"}
    with Running(folder, log, **settings) as server:
        assert server.ready().post({"rows": [ROW]}).status_code == 200
        server.terminate()
        events = server.events()
    assert "started" in [one["event"] for one in events]
    return [one for one in events if one["event"] == "compiled_part_not_used"]


def test_a_server_says_once_that_its_compiled_part_is_of_another_version(
    installed, tensor_folder, tmp_path
):
    """It answers all the same: what, and what to do about it, is one line of the log."""
    source = installed / "serve/native.py"
    lines = source.read_text().splitlines(keepends=True)
    (place,) = [number for number, line in enumerate(lines) if line.startswith(OWN)]
    version = int(lines[place].removeprefix(OWN))
    lines[place] = f"{OWN}{version + 1}\n"
    source.write_text("".join(lines))

    (line,) = told(installed, tensor_folder, tmp_path / "log")

    assert f"has version {version} of the interface, not {version + 1}" in line["reason"]
    assert "make setup" in line["remedy"]


def test_a_server_says_once_that_its_compiled_part_is_damaged(installed, tensor_folder, tmp_path):
    """With the words of the linker."""
    for library in (installed / "serve").glob("express-*.so"):
        library.write_bytes(b"no library")

    (line,) = told(installed, tensor_folder, tmp_path / "log")

    assert "cannot be loaded: " in line["reason"]


def test_damage_to_the_part_that_is_used_here_is_told(installed, tensor_folder, tmp_path):
    """It is the one for the processor's level, where it has one; another is used then."""
    used = Path(native.library()._name).name
    (installed / "serve" / used).write_bytes(b"no library")

    (line,) = told(installed, tensor_folder, tmp_path / "log")

    assert line["reason"].startswith(f"{used} cannot be loaded: ")


@pytest.mark.parametrize("there", [True, False])
def test_nothing_is_said_where_it_is_used_or_none_is_made(
    installed, tensor_folder, tmp_path, there
):
    """Machines that nothing is compiled for lack nothing."""
    for library in (installed / "serve").glob("express-*.so"):
        if not there:
            library.unlink()

    assert told(installed, tensor_folder, tmp_path / "log") == []
