"""The headers of a plain tar are all there, and what need not be read is not."""

import io
import tarfile

import pytest

from sealift import archive
from sealift.archive import Entry
from sealift.package.headers import headers


class Counting(io.BytesIO):
    """A stream that counts what is read of it, in bytes."""

    count = 0

    def read(self, size=-1):
        """Bytes, counted."""
        found = super().read(size)
        self.count += len(found)
        return found


def packed(*entries):
    """A tar of these entries."""
    return b"".join(archive.pack(entries))


def test_large_weights_alone_in_their_layer_are_not_read():
    """Only the block with their header is, as much as a stream reads at once."""
    tar = Counting(packed(Entry("model/model.onnx", "file", content=b"w" * 5_000_000)))
    found = [(one.name, one.size) for one in headers(tar, len(tar.getvalue()))]
    assert found == [("model/model.onnx", 5_000_000)]
    assert tar.count <= 20 * tarfile.BLOCKSIZE


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 5000])
def test_every_member_of_several_is_found(size):
    """Also empty ones, folders, and those that fill their blocks."""
    entries = [
        Entry("model/code", "folder", 0o755),
        Entry("model/code/a.py", "file", content=b"a" * size),
        Entry("model/code/" + "deep/" * 60 + "b.py", "file", content=b"b" * size),
        Entry("model/code/empty", "file"),
        Entry("model/code/link", "link", 0o777, target="a.py"),
        Entry("model/code/z.py", "file", content=b"z" * size),
    ]
    tar = packed(*entries)
    assert [one.name for one in headers(io.BytesIO(tar), len(tar))] == [e.name for e in entries]


def test_a_tar_that_is_cut_off_is_damaged():
    """It is not taken for one with fewer members."""
    tar = packed(Entry("a", "file", content=b"a" * 4000), Entry("b", "file", content=b"b" * 4000))
    with pytest.raises(tarfile.TarError):
        list(headers(io.BytesIO(tar[:3000]), len(tar)))
