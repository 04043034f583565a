"""What the layer of the model server holds does not depend on what was noted of its imports."""

import shutil
from pathlib import Path

import pytest

import sealift
from sealift.errors import PackageError
from sealift.package import compiled, server


def names(notes: Path | None = None) -> list[str]:
    """The files of the layer."""
    return [entry.name for entry in server.entries(notes=notes)]


def test_the_layer_holds_what_serves_and_nothing_else():
    """Not what builds, releases, or talks to registries, whatever names it for types alone."""
    rooms = {Path(name).relative_to("opt/sealift/sealift").parts[0] for name in names()}
    assert "serve" in rooms
    assert not rooms & {
        *("adapters", "cli", "package", "release", "train", "watch", "web", "wiring.py"),
        *("chapters", "control"),
    }


def test_the_layer_holds_what_learns_too():
    """Though a server does not load it: learning takes place in the same image."""
    assert "opt/sealift/sealift/serve/learn.py" in names()


def test_the_compiled_part_is_the_one_of_the_platform():
    """With the notice of what is linked into it; all as files that any user may read."""
    wanted = {"linux/amd64": ("x86_64", "x86_64-v3"), "linux/arm64": ("aarch64",)}
    for platform, processors in wanted.items():
        found = list(server.files(platform))
        more = [one.name for one in found if not one.name.endswith(".py")]
        place = "opt/sealift/sealift/serve/express"
        assert more == [*(f"{place}-{one}.so" for one in processors), f"{place}.LICENSE"]
        assert {(one.kind, one.mode, one.owner) for one in found} == {("file", 0o644, 0)}
    assert [one.name for one in server.files("linux/riscv64")] == names()


def test_an_installation_without_the_compiled_part_makes_no_image(tmp_path):
    """It would be another image than everywhere else."""
    place = tmp_path / "sealift/serve"
    place.mkdir(parents=True)
    shutil.copy(Path(sealift.__file__).parent / "serve/express.LICENSE", place)
    with pytest.raises(PackageError, match="lacks the compiled part") as caught:
        list(compiled.entries("linux/arm64", "opt", tmp_path))
    assert caught.value.where.endswith("sealift/serve/express-aarch64.so")
    assert "Install Sealift again" in caught.value.remedy


def test_noted_imports_lead_to_the_same_modules(tmp_path: Path) -> None:
    """The first time writes the note, the second reads it."""
    plain = list(server.entries())
    assert list(server.entries(notes=tmp_path)) == plain
    assert [path.suffix for path in tmp_path.iterdir()] == [".json"]
    assert list(server.entries(notes=tmp_path)) == plain


def test_a_note_that_is_damaged_or_lacks_modules_is_made_good(tmp_path: Path) -> None:
    """Losing a note costs time alone."""
    plain = names(tmp_path)
    (note,) = tmp_path.iterdir()
    whole = note.read_bytes()
    for damaged in (whole[: len(whole) // 2], b'{"of": {}}'):
        note.write_bytes(damaged)
        assert names(tmp_path) == plain
        assert note.read_bytes() == whole


def test_a_note_of_other_bytes_says_nothing_about_a_module(tmp_path: Path) -> None:
    """Imports are noted by the digest of the file, so that changed code is parsed again."""
    plain = names(tmp_path)
    (note,) = tmp_path.iterdir()
    note.write_bytes(b'{"of": {"sha256:%s": ["sealift.cli.main"]}}' % (b"0" * 64))
    assert names(tmp_path) == plain
