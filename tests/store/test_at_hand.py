"""Large blobs that are read once leave the memory for files to what others keep there."""

import ctypes
import hashlib
import io
import mmap
import os
import tempfile
from pathlib import Path

import pytest

from sealift.adapters.stores.layout import Layout
from sealift.adapters.stores.verified import LARGE

_libc = ctypes.CDLL(None, use_errno=True)
SIZE = LARGE + 5_000_000
UNCACHED = 0x80


def keep(folder):
    """A store in a folder, and a large blob in it."""
    store = Layout(folder / "layout", folder / "unpacked")
    kept = store.put(io.BytesIO(os.urandom(1 << 20) * (SIZE >> 20)), "text/plain")
    return store, kept.digest, store.root / "blobs" / "sha256" / kept.digest[7:]


def at_hand(path):
    """The share of a file that the system has in its memory (mincore(2))."""
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE)
    first = ctypes.c_char.from_buffer(mapped)
    pages = (ctypes.c_ubyte * -(-len(mapped) // mmap.PAGESIZE))()
    assert _libc.mincore(ctypes.c_void_p(ctypes.addressof(first)), len(mapped), pages) == 0
    del first
    mapped.close()
    return sum(one & 1 for one in pages) / len(pages)


def read(store, digest):
    """The digest of what a blob's stream gives."""
    whole = hashlib.sha256()
    with store.open(digest) as stream:
        while piece := stream.read(256 << 10):
            whole.update(piece)
    return f"sha256:{whole.hexdigest()}"


@pytest.fixture
def able(tmp_path):
    """Skips where the system keeps whatever it reads: Linux before 6.14, some file systems."""
    probe = tmp_path / "probe"
    probe.write_bytes(bytes(4096))
    with probe.open("rb") as file:
        try:
            os.preadv(file.fileno(), [bytearray(4096)], 0, UNCACHED)
        except OSError:
            pytest.skip("this file system keeps what it reads at hand")


@pytest.mark.usefixtures("able")
def test_a_large_blob_from_the_disk_is_not_kept_at_hand(tmp_path):
    """It would take the place of what other programs read again and again."""
    store, digest, path = keep(tmp_path)
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    assert at_hand(path) < 0.5

    assert read(store, digest) == digest

    assert at_hand(path) < 0.5


@pytest.mark.usefixtures("able")
def test_a_large_blob_that_is_at_hand_stays_there(tmp_path):
    """Somebody else reads it, or has just written it."""
    store, digest, path = keep(tmp_path)
    path.read_bytes()
    assert at_hand(path) > 0.9

    assert read(store, digest) == digest

    assert at_hand(path) > 0.9


@pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="no file system in memory here")
def test_a_file_system_that_only_keeps_all_at_hand_is_read_too():
    """tmpfs has nothing but memory."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        store, digest, _ = keep(Path(folder))

        assert read(store, digest) == digest
