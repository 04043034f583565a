"""A file that runs code is refused until its digest is allowed, and the message says how."""

import tomllib

import pytest
from hostile import PLAIN

from sealift import digest
from sealift.errors import PackageError
from sealift.formats.refusal import refuse
from sealift.formats.scan import scan

HARMLESS = b"ccollections\nOrderedDict\n)R."
UNKNOWN = b"cmycode\nModel\n)R."
UNTOLD = b"\x80\x02\x82\x07)R."


def refusal(folder, allowed=(), **files):
    """What is said of a folder with these files."""
    for name, data in files.items():
        (folder / name).write_bytes(data)
    with pytest.raises(PackageError) as told:
        refuse(scan(folder), allowed, where="output train.model")
    return told.value


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (PLAIN, "it would import posix.system, which can do anything to the machine"),
        (UNKNOWN, "it would import mycode.Model, which is not known to be harmless"),
        (UNTOLD, "what its reader has registered as extension 7"),
        (HARMLESS, "it would import collections.OrderedDict; nothing of it is known to do harm"),
    ],
)
def test_the_refusal_says_what_the_file_would_do(tmp_path, data, said):
    """In words that fit what was found."""
    error = refusal(tmp_path, model=data)

    assert said in error.what
    assert error.where == "output train.model: model"


def test_the_line_that_it_prints_allows_the_files_and_those_allowed_before(tmp_path):
    """Pasted into the project file, it is all that is needed."""
    earlier = "sha256:" + "0" * 64
    error = refusal(tmp_path, [earlier], a=HARMLESS, b=PLAIN)
    line = error.remedy.splitlines()[-1]
    allowed = tomllib.loads(line.strip())["allow"]

    assert error.where.endswith(": b"), "the worst comes first"
    assert "1 other file" in error.what
    assert set(allowed) == {earlier, digest.of_bytes(HARMLESS), digest.of_bytes(PLAIN)}
    refuse(scan(tmp_path), allowed, where="output train.model")


def test_other_bytes_are_not_allowed_by_the_same_name(tmp_path):
    """The digest is what is trusted."""
    allowed = [digest.of_bytes(HARMLESS)]
    (tmp_path / "m").write_bytes(HARMLESS)
    refuse(scan(tmp_path), allowed, where="here")

    assert digest.of_bytes(UNKNOWN) in refusal(tmp_path, allowed, m=UNKNOWN).remedy
