"""Tars that are poured into the store have the bytes of those that are read into it."""

import random
from pathlib import Path

import pytest

from sealift import archive
from sealift.adapters.stores.layout import Layout
from sealift.archive import Entry
from sealift.errors import DataError
from sealift.record.image import LAYER

SIZES = (0, 1, 511, 512, (4 << 20) - 1, 4 << 20, (4 << 20) + 1, (16 << 20) + 3)


class Grown(type(Path())):
    """A file that gets longer once its size was looked at."""

    def stat(self, **more):
        """What was there, just before it grows."""
        found = super().stat(**more)
        with self.open("ab") as file:
            file.write(b"more")
        return found


def test_a_poured_tar_is_the_tar_that_is_read(tmp_path):
    """Byte for byte, with files of every size around those that the system copies by itself."""
    store, chance = Layout(tmp_path / "layout", tmp_path / "unpacked"), random.Random(0)
    members = [Entry(name="note", kind="file", content=b"short"), Entry("to", "link", target="a")]
    for number, size in enumerate(SIZES):
        path = tmp_path / f"{number}.bin"
        path.write_bytes(chance.randbytes(size))
        members.append(Entry(name=f"files/{number}", kind="file", content=path))
    read = store.put(archive.stream(archive.pack(members)), LAYER)
    (store.root / "blobs" / "sha256" / read.digest[7:]).unlink()
    poured = store.put(archive.Packed(members), LAYER)
    assert poured == read
    with store.open(poured.digest) as blob:
        assert blob.read() == b"".join(archive.pack(members))


@pytest.mark.parametrize("size", [10, 5 << 20])
def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path, size):
    """Nothing of it is kept."""
    store, path = Layout(tmp_path / "layout", tmp_path / "unpacked"), tmp_path / "file"
    path.write_bytes(bytes(size))
    members = [Entry(name="a", kind="file", content=Grown(path))]
    with pytest.raises(DataError, match="changed while"):
        store.put(archive.Packed(members), LAYER)
    assert not [*(store.root / "blobs" / "sha256").iterdir()]
    assert not [*(store.root / "incoming").iterdir()]


def test_a_file_that_is_gone_is_told(tmp_path):
    """As what it is: not as a fault of the store."""
    store = Layout(tmp_path / "layout", tmp_path / "unpacked")
    with pytest.raises(DataError, match="cannot be read"):
        store.put(archive.Packed([Entry(name="a", kind="file", content=tmp_path / "x")]), LAYER)
