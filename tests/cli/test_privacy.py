"""What Sealift keeps, keys and tokens among it, is its owner's alone."""

import os

import pytest


def mode(folder):
    """What who may do there."""
    return (folder / ".sealift").stat().st_mode & 0o777


@pytest.mark.parametrize("verb", ["status", "data", "runs", "train", "package"])
def test_the_folder_is_made_for_its_owner_alone(tiny, verb):
    """By whichever command is the first, and however wide the mask is."""
    before = os.umask(0)
    try:
        tiny(verb)
    finally:
        os.umask(before)

    assert mode(tiny.folder) == 0o700


def test_a_folder_that_is_open_to_others_is_closed(tiny):
    """An earlier version made it so."""
    (tiny.folder / ".sealift").mkdir()
    (tiny.folder / ".sealift").chmod(0o755)

    assert tiny("runs").code == 0
    assert mode(tiny.folder) == 0o700


def test_the_doctor_tells_of_a_folder_that_is_open(tiny):
    """Where nobody who may close it came by."""
    (tiny.folder / ".sealift").mkdir()
    (tiny.folder / ".sealift").chmod(0o755)

    found = {one["name"]: one for one in tiny("doctor", "--json").value}["privacy"]["findings"]

    assert [one["severity"] for one in found] == ["warning"]
    assert "chmod 700" in found[0]["remedy"]
