"""The compiled part of the model server: the same bytes from everywhere, or a clear refusal."""

import os
import re
import shutil
from pathlib import Path

import pytest

import hatch_build
import sealift

ROOT = Path(hatch_build.__file__).parent
INSTALLED = Path(sealift.__file__).parent / "serve"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """Another checkout, with what is compiled alone, and a compiler that has no cache yet."""
    root = tmp_path_factory.mktemp("native") / "elsewhere with spaces"
    shutil.copytree(ROOT / "native", root / "native")
    shutil.copy(ROOT / "pyproject.toml", root)
    (root / "src/sealift/serve").mkdir(parents=True)
    (root / "build/zig").mkdir(parents=True)
    return root


@pytest.fixture
def small(checkout, tmp_path):
    """A checkout whose sources are a line, with a library of earlier times."""
    root = tmp_path / "small"
    shutil.copytree(checkout, root, ignore=shutil.ignore_patterns("build"))
    (root / "build").mkdir()
    (root / "build/zig").symlink_to(checkout / "build/zig")
    (root / "native/express.zig").write_text("export fn small() u32 { return 1; }\n")
    (root / "src/sealift/serve/express-aarch64.so").write_bytes(b"as it was")
    return root


def test_another_checkout_gives_the_same_bytes(checkout, monkeypatch):
    """By another folder, home, umask, zone, language and setting."""
    monkeypatch.setenv("HOME", str(checkout))
    monkeypatch.setenv("LC_ALL", "tr_TR.UTF-8")
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    monkeypatch.setenv("ZIG_LIB_DIR", "/nowhere")
    before = os.umask(0o077)
    try:
        made = hatch_build.library(checkout, "aarch64")
    finally:
        os.umask(before)
    assert made.stat().st_mode & 0o777 == 0o644
    assert made.read_bytes() == (INSTALLED / made.name).read_bytes(), (
        "native/ is newer than what is installed: make setup"
    )
    assert not (checkout / ".cache").exists()


def test_only_what_changed_is_compiled_again(small):
    """Or what was damaged."""
    made = hatch_build.library(small, "aarch64")
    first = made.stat().st_mtime_ns
    assert hatch_build.library(small, "aarch64").stat().st_mtime_ns == first
    whole = made.read_bytes()
    made.write_bytes(whole[:-1])
    assert hatch_build.library(small, "aarch64").read_bytes() == whole
    (small / "native/express.zig").write_text("export fn other() u32 { return 1; }\n")
    assert b"other" in hatch_build.library(small, "aarch64").read_bytes()


def test_the_libraries_name_no_place_of_the_machine_that_built_them():
    """Else they would differ from machine to machine."""
    for processor in hatch_build.PROCESSORS:
        content = (INSTALLED / f"express-{processor}.so").read_bytes()
        assert not re.search(rb"/(home|root|tmp|usr|work|build)/|\.zig\b", content)
        assert str(ROOT).encode() not in content


def test_sources_at_fault_are_told_of_and_the_library_stays(small):
    """The compiler's own words, with file and line."""
    (small / "native/express.zig").write_text("export fn broken() u32 { return nothing; }\n")
    with pytest.raises(hatch_build.CompiledError, match=r"express\.zig:1:\d+: error: .*nothing"):
        hatch_build.library(small, "aarch64")
    assert (small / "src/sealift/serve/express-aarch64.so").read_bytes() == b"as it was"


def test_another_compiler_is_refused(small):
    """Its bytes would be others."""
    project = small / "pyproject.toml"
    project.write_text(project.read_text().replace("ziglang==", "ziglang==99."))
    with pytest.raises(hatch_build.CompiledError, match=r"Install ziglang==99\..* there"):
        hatch_build.library(small, "aarch64")
