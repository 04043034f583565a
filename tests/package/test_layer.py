"""Layers are the same bytes everywhere, and what tars allow."""

import io
import os
import subprocess
import sys
import tarfile

import pytest
import zstandard

from sealift import archive, digest
from sealift.archive import Entry
from sealift.errors import DataError
from sealift.package import layer

ENTRIES = [
    Entry("usr/bin/tool", "file", 0o755, b"#!/bin/sh\n" * 5000),
    Entry("etc/link", "link", 0o777, target="../usr/bin/tool"),
    Entry("var/" + "deep/" * 60 + "ünï", "file", 0o644, bytes(range(256)) * 300),
    Entry("tmp", "folder", 0o1777),
]
PLAIN = "sha256:fbd85fadb54a7f2601b1e97659a3de0e7400d9e0ee3c497e29bff33ed595eaf6"
PACKED = "sha256:84930e5fbe341de949e60166ce9e8515489162d12356164395e3d81bd62476ed"


def packed():
    """The compressed layer of the entries."""
    return b"".join(layer.compressed(archive.pack(layer.sorted_entries(ENTRIES))))


def test_a_layer_has_the_bytes_it_had_yesterday():
    """A change of the tar's or the compressor's bytes would change every image."""
    assert (
        digest.of_bytes(zstandard.ZstdDecompressor().decompressobj().decompress(packed())) == PLAIN
    )
    assert digest.of_bytes(packed()) == PACKED


def test_a_layer_is_what_tar_understands():
    """Long and odd names, links, modes; one time, one owner; parents before children."""
    plain = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(packed()))
    with tarfile.open(fileobj=plain, mode="r|") as tar:
        found = {info.name: info for info in tar}
    assert set(found) >= {entry.name for entry in ENTRIES}
    assert {(i.uid, i.gid, i.uname, i.mtime) for i in found.values()} == {(0, 0, "", 1700000000)}
    assert found["tmp"].mode == 0o1777
    names = list(found)
    assert names.index("usr") < names.index("usr/bin") < names.index("usr/bin/tool")


def test_the_order_of_entries_does_not_count_and_the_last_one_wins():
    """Where a name comes twice."""
    turned = layer.sorted_entries(reversed(ENTRIES))
    assert turned == layer.sorted_entries(ENTRIES)
    twice = [Entry("a", "file", content=b"1"), Entry("a", "file", content=b"2")]
    assert layer.sorted_entries(twice) == [twice[1]]


def test_a_file_that_changes_while_it_is_read_is_noticed(tmp_path):
    """Grown or shrunk: the tar would be wrong."""
    path = tmp_path / "file"
    for size in (10, 5_000_000):
        path.write_bytes(bytes(2_000_000))
        pieces = archive.pack([Entry("file", "file", content=path)])
        next(pieces)
        os.truncate(path, size)
        with pytest.raises(DataError, match="changed while"):
            list(pieces)


def test_a_layer_larger_than_memory_can_be_written(tmp_path):
    """A quarter of a gigabyte goes through a process that may use little more than half of it."""
    big = tmp_path / "big"
    with big.open("wb") as file:
        file.truncate(256 << 20)
    program = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from sealift import archive\n"
        "from sealift.archive import Entry\n"
        "from sealift.package import layer\n"
        "resource.setrlimit(resource.RLIMIT_DATA, (150 << 20, 150 << 20))\n"
        "entry = Entry('big', 'file', content=Path(sys.argv[1]))\n"
        "stream = archive.stream(layer.compressed(archive.pack([entry])))\n"
        "print(sum(len(piece) for piece in iter(lambda: stream.read(1 << 20), b'')))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, big], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert 0 < int(done.stdout) < 1 << 28
