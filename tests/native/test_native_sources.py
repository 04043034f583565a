"""The sources of the compiled part: their own tests, and rooms as small as those in Python."""

import itertools
import os
import re
from pathlib import Path

import pytest

import hatch_build
from sealift.serve import native

ROOT = Path(hatch_build.__file__).parent
SOURCES = sorted((ROOT / "native").glob("*.zig"))


@pytest.mark.parametrize("library", native.LIBRARIES[os.uname().machine])
def test_each_test_of_theirs_passes(library):
    """And none is passed over, as happens in a file that no test names. For each level that the
    processor of this machine has."""
    if native.loaded().code.express_level() < native.LIBRARIES[os.uname().machine].index(library):
        pytest.skip("this processor has not the level")
    level = hatch_build.PROCESSORS[library.removeprefix("express-").removesuffix(".so")][1]
    said = hatch_build.run(["test", "native/express.zig", "-mcpu", level], ROOT)
    wanted = sum(len(re.findall(r"(?m)^test\b", path.read_text())) for path in SOURCES)
    found = re.search(r"All (\d+) tests passed", said)
    assert found, said
    assert int(found[1]) == wanted


def test_they_are_short_and_narrow():
    """At most 400 lines a file, of at most 100 columns."""
    assert SOURCES
    for path in SOURCES:
        lines = path.read_text().splitlines()
        assert len(lines) <= 400, path.name
        assert [number for number, line in enumerate(lines, 1) if len(line) > 100] == [], path.name


def test_what_each_file_and_each_exported_function_is_for_is_told():
    """A file begins with `//!`, and `///` stands above what other languages call."""
    for path in SOURCES:
        lines = path.read_text().splitlines()
        assert lines[0].startswith("//! "), path.name
        for above, line in itertools.pairwise(lines):
            if line.removeprefix("pub ").startswith("export "):
                assert above.startswith("///"), f"{path.name}: {line}"
