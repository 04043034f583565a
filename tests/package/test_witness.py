"""What is noted of a new layer from its entries is what reading the layer itself gives."""

import base64
import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from elves import library

from sealift import archive, digest
from sealift.archive import Entry, stream
from sealift.errors import DataError
from sealift.package import contents, inventory, layer
from sealift.package.layer import Part, sorted_entries
from sealift.package.shelf import Shelf, Source
from sealift.testing.store import MemoryStore

PLACE = "usr/local/lib/python3.13/dist-packages"
LIBRARY = library("libc.so.6", soname="libtree.so", wants={"libc.so.6": ["GLIBC_2.17"]})


class Silent:
    """Progress for nobody."""

    def step(self, name, status):
        """Nobody waits."""

    def say(self, text):
        """Nobody listens."""


def record(content):
    """A wheel's list of installed files."""
    sum_ = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"tree.libs/libtree.so,sha256={sum_},{len(content)}\ntree-1.0.dist-info/RECORD,,\n"


def entries(folder):
    """Files in memory and on the disk: of a wheel, of a Debian package, links, folders, damage."""
    on_disk = folder / "libtree.so"
    on_disk.write_bytes(LIBRARY)
    info = f"{PLACE}/tree-1.0.dist-info"
    texts = {
        f"{info}/RECORD": record(LIBRARY),
        f"{info}/METADATA": "Name: tree\nVersion: 1.0\nRequires-Dist: numpy\n",
        f"{info}/WHEEL": "Tag: cp313-cp313-manylinux_2_28_x86_64\n",
        "usr/lib/os-release": "ID=debian\n",
        "usr/share/doc/libz/copyright": "free\n",
        "var/lib/dpkg/status.d/libz": "Package: libz\nVersion: 1\n",
        "var/lib/dpkg/status.d/libz.md5sums": f"{'0' * 32}  usr/lib/libz.so.1\n",
        "etc/ld.so.cache": "no cache",
    }
    return sorted_entries(
        [
            Entry(f"{PLACE}/tree.libs/libtree.so", "file", 0o755, on_disk),
            Entry("usr/lib/libz.so.1", "file", 0o644, library(soname="libz.so.1")),
            Entry("usr/lib/libcut.so", "file", 0o644, LIBRARY[:40]),
            Entry("usr/lib/libz.so", "link", 0o777, target="libz.so.1"),
            Entry("tmp", "folder", 0o1777),
            Entry("empty", "file"),
            *(Entry(name, "file", content=text.encode()) for name, text in texts.items()),
        ]
    )


def test_the_inventory_of_entries_is_that_of_the_layer(tmp_path):
    """ELF files, links, folders and damage are told alike."""
    made = entries(tmp_path)
    store = MemoryStore(tmp_path / "store")
    kept = layer.write(store, "runtime", Part("", made)).descriptor
    with store.open(kept.digest) as blob:
        read = inventory.take(blob, kept.media_type, tmp_path)
    assert inventory.of_entries(made) == read
    assert read.elves.keys() == {f"{PLACE}/tree.libs/libtree.so", "usr/lib/libz.so.1"}
    assert read.damaged.keys() == {"usr/lib/libcut.so"}
    assert read.owners == {f"{PLACE}/tree.libs/libtree.so": "tree"}


def test_the_contents_of_entries_are_those_of_the_layer(tmp_path):
    """Wheels, Debian packages and sizes are told alike."""
    made = entries(tmp_path)
    store = MemoryStore(tmp_path / "store")
    kept = layer.write(store, "runtime", Part("", made)).descriptor
    with store.open(kept.digest) as blob:
        read = contents.take(blob, kept.media_type)
    assert contents.of_entries(made) == read
    assert [one.name for one in read.wheels] == ["tree"]
    assert read.debs.keys() == {"libz"}


def test_only_new_layers_are_shown_to_witnesses(tmp_path):
    """What is found on the shelf was looked at when it was made."""
    seen = []
    store = MemoryStore(tmp_path / "store")
    looking = (lambda one, shown: seen.append((one.descriptor.digest, list(shown))),)
    shelf = Shelf(store, tmp_path / "notes", Silent(), looking)
    made, key = entries(tmp_path), Source(digest.of_bytes(b"key"))
    first = shelf.layers("runtime", key, lambda: [Part("", made)])
    again = shelf.layers("runtime", key, lambda: [Part("", made)])
    assert seen == [(first[0].descriptor.digest, made)]
    assert again[0].descriptor == first[0].descriptor


def test_a_file_that_is_gone_before_it_is_looked_at_is_named(tmp_path):
    """The error says which file it was."""
    gone = Entry("lost", "file", content=tmp_path / "lost")
    with pytest.raises(DataError) as caught:
        inventory.of_entries([gone])
    assert caught.value.where == str(tmp_path / "lost")


def test_layers_made_at_once_have_the_bytes_of_layers_made_one_by_one(tmp_path):
    """Neither threads nor the size of pieces change what is compressed."""
    made = entries(tmp_path)

    def pack(_):
        whole = stream(layer.compressed(layer.joined(archive.pack(made)))).read()
        return digest.of_bytes(whole)

    with ThreadPoolExecutor(4) as threads:
        found = set(threads.map(pack, range(16)))
    assert found == {digest.of_bytes(b"".join(layer.compressed(archive.pack(made))))}
