"""A large file that is given away becomes a blob where it lies, and nothing of it is ever lost."""

import os
import random
import signal
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from sealift import archive, digest
from sealift.adapters.stores.layout import Layout
from sealift.archive import LARGE, Entry, Framed
from sealift.errors import DataError
from sealift.record.image import LAYER

BLOCK = 4096
FOLDER = Entry(name="model", kind="folder", mode=0o755)
SIZES = (LARGE, LARGE + 1, LARGE + 511, LARGE + BLOCK - 1)


@pytest.fixture
def store(tmp_path):
    """An empty layout."""
    return Layout(tmp_path / "layout", tmp_path / "unpacked")


@pytest.fixture
def path(tmp_path):
    """A file of random bytes."""
    made = tmp_path / "weights"
    made.write_bytes(random.Random(1).randbytes(LARGE + 5))
    return made


def framed(path):
    """The tar of a model's file."""
    return Framed([FOLDER], Entry(name="model/weights", kind="file", content=path))


def blob(store, address):
    """Where a blob lies."""
    return store.root / "blobs" / "sha256" / address[7:]


def can_shift(folder):
    """Whether the file system can, by the word of another program."""
    probe = folder / "probe"
    probe.write_bytes(bytes(2 * BLOCK))
    words = ["fallocate", "--insert-range", "--offset", "0", "--length", str(BLOCK), probe]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("size", SIZES)
def test_a_file_that_is_moved_gives_the_blob_of_one_that_is_copied(store, tmp_path, size):
    """Byte for byte; its content begins at a block, and any reader of tars finds it."""
    path, data = tmp_path / "weights", random.Random(size).randbytes(size)
    path.write_bytes(data)
    plain = store.put(archive.stream(iter([framed(path).read()])), LAYER)
    blob(store, plain.digest).unlink()
    node = path.stat().st_ino

    kept = store.put(framed(path), LAYER)

    assert kept == plain
    assert digest.of_file(blob(store, kept.digest)) == kept.digest
    assert blob(store, kept.digest).stat().st_mode & 0o777 == 0o444
    with tarfile.open(blob(store, kept.digest)) as tar:
        assert [one.name for one in tar] == ["model", "model/weights"]
        assert tar.getmember("model/weights").offset_data == BLOCK
        assert tar.extractfile("model/weights").read() == data
    if can_shift(tmp_path):
        assert not path.exists()
        assert blob(store, kept.digest).stat().st_ino == node
    assert not [*(store.root / "incoming").iterdir()]


def test_a_file_that_only_its_owner_may_read_is_moved_too(store, path, tmp_path):
    """As copies of what the store keeps are."""
    path.chmod(0o444)
    kept = store.put(framed(path), LAYER)
    assert path.exists() != can_shift(tmp_path)
    assert digest.of_file(blob(store, kept.digest)) == kept.digest


def second_name(path):
    """A file with two names."""
    os.link(path, path.with_name("second"))


def open_elsewhere(path):
    """A process that still has the file open to write."""
    words = [sys.executable, "-c", "import sys; f = open(sys.argv[1], 'r+b'); print(); input()"]
    one = subprocess.Popen([*words, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    one.stdout.readline()
    return one


def link(path):
    """A link to a file that lies elsewhere."""
    path.rename(path.with_name("second"))
    path.symlink_to("second")


@pytest.mark.parametrize("shared", [second_name, open_elsewhere, link])
def test_a_file_that_others_have_as_well_is_copied(store, path, shared):
    """What they write to it later changes no blob."""
    data = path.read_bytes()
    other = shared(path)

    kept = store.put(framed(path), LAYER)

    assert path.read_bytes() == data
    path.write_bytes(b"others" + data)
    assert digest.of_file(blob(store, kept.digest)) == kept.digest
    if other:
        other.communicate(b"\n")


def test_a_file_that_changed_is_noticed_and_stays(store, path):
    """Nothing of it is kept."""
    content = framed(path)
    path.write_bytes(path.read_bytes() + b"more")
    data = path.read_bytes()
    with pytest.raises(DataError, match="changed while"):
        store.put(content, LAYER)
    assert path.read_bytes() == data
    assert not [*(store.root / "blobs" / "sha256").iterdir()]
    assert not [*(store.root / "incoming").iterdir()]


def test_a_file_of_another_file_system_is_copied(store, path, tmp_path):
    """From one file system to another nothing can be moved."""
    kept = store.put(archive.stream(iter([framed(path).read()])), LAYER)
    shm = Path("/dev/shm") / f"sealift-{os.getpid()}-{tmp_path.name}"
    shm.write_bytes(path.read_bytes())
    try:
        assert store.put(framed(shm), LAYER).digest == kept.digest
    finally:
        shm.unlink()


PROGRAM = """
import os, resource, signal, sys
from pathlib import Path
from sealift.adapters.stores.layout import Layout
from sealift.archive import Entry, Framed
from sealift.errors import MachineError

class Dying(Framed):
    left = int(sys.argv[4])
    def __getattribute__(self, name):
        if name == "head" and super().__getattribute__("size"):
            Dying.left -= 1
            if not Dying.left:
                os.kill(os.getpid(), signal.SIGKILL)
        return super().__getattribute__(name)

most = int(sys.argv[5])
if most:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
store, path = Layout(Path(sys.argv[1]), Path(sys.argv[2])), Path(sys.argv[3])
folder = Entry(name="model", kind="folder", mode=0o755)
content = Dying([folder], Entry(name="model/weights", kind="file", content=path))
try:
    print(store.put(content, "layer").digest)
except MachineError as error:
    print(error)
"""


def another(store, path, *, dies=0, most=0):
    """A process that keeps a file: dies the how manieth time the frame is needed, or has room."""
    words = [sys.executable, "-c", PROGRAM, store.root, path.parent / "unpacked", path, dies, most]
    return subprocess.run([str(one) for one in words], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("moment", [1, 2, 3, 4])
def test_a_kill_while_a_file_is_moved_leaves_a_sound_store(store, path, moment):
    """Before and after its blocks are shifted, and between the parts of its frame."""
    data = path.read_bytes()
    ended = another(store, path, dies=moment)
    assert ended.returncode == -signal.SIGKILL
    assert not [*(store.root / "blobs" / "sha256").iterdir()]
    for part in (store.root / "incoming").iterdir():
        os.utime(part, (1, 1))  # it was long ago

    path.write_bytes(data)
    kept = store.put(framed(path), LAYER)

    assert digest.of_file(blob(store, kept.digest)) == kept.digest
    assert not [*(store.root / "incoming").iterdir()]


@pytest.mark.parametrize("room", [5, BLOCK + 10])
def test_a_disk_that_is_full_leaves_the_file_where_it_was(store, path, room):
    """A limit on the size of files stands for the disk: none for the head, or none for the end."""
    data = path.read_bytes()
    said = another(store, path, most=len(data) + room)
    assert "cannot be written" in said.stdout
    assert path.read_bytes() == data
    assert not [*(store.root / "blobs" / "sha256").iterdir()]
    assert not [*(store.root / "incoming").iterdir()]
