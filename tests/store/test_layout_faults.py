"""The layout survives what disks and kills do to it, and refuses what archives try."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest

from sealift import digest
from sealift.adapters.engines.bwrap_program import locate
from sealift.adapters.stores.layout import Layout
from sealift.adapters.stores.trees import remove
from sealift.archive import Entry
from sealift.errors import IntegrityError, MachineError, NotFoundError, PackageError, SealiftError
from sealift.record.image import CONFIG, LAYER, LAYER_GZIP, MANIFEST, Manifest
from sealift.testing.store_suite import artifact, image, tar


@pytest.fixture
def store(tmp_path):
    """An empty layout."""
    return Layout(tmp_path / "layout", tmp_path / "unpacked")


def blob(store, address):
    """The file of a blob, made writable."""
    path = store.root / "blobs" / "sha256" / address[7:]
    path.chmod(0o644)
    return path


def flip(path):
    """Flip one bit in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def raw(*members):
    """A tar of (name, type, link) with any names."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as whole:
        for name, kind, link in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, link
            whole.addfile(info)
    return made.getvalue()


def drain(stream, size):
    """Read to the end in pieces of this size."""
    while stream.read(size):
        pass


@pytest.mark.parametrize("size", [1, 100, 3_000_000])
def test_a_flipped_bit_is_noticed_at_the_end_of_the_stream(store, size):
    """In small and large blobs, read at once, in pieces, or exactly to the end."""
    kept = store.put(bytes(size), "text/plain")
    flip(blob(store, kept.digest))
    for read in (-1, 4096, size):
        with store.open(kept.digest) as stream, pytest.raises(IntegrityError):
            drain(stream, read)


@pytest.mark.parametrize("keep", [0, 700])
def test_a_shortened_blob_is_noticed(store, keep):
    """A file that a broken disk cut off."""
    kept = store.put(b"x" * 1000, "text/plain")
    os.truncate(blob(store, kept.digest), keep)
    with store.open(kept.digest) as stream, pytest.raises(IntegrityError):
        stream.read()


def test_putting_content_again_heals_it(store):
    """From bytes and from a stream."""
    for again in (b"content", io.BytesIO(b"content")):
        kept = store.put(b"content", "text/plain")
        flip(blob(store, kept.digest))
        store.put(again, "text/plain")
        with store.open(kept.digest) as stream:
            assert stream.read() == b"content"


def test_a_damaged_tree_leaves_nothing_unpacked(store, tmp_path):
    """Neither the tree nor parts of it."""
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "file").write_bytes(bytes(5000))
    kept = store.put_tree(tmp_path / "tree")
    flip(blob(store, kept))
    with pytest.raises(IntegrityError):
        store.tree(kept)
    trees = tmp_path / "unpacked" / "trees"
    assert [path.name for path in trees.iterdir()] == [f"{kept[7:]}.lock"]


def test_an_address_cannot_lead_to_another_file(store):
    """A manifest may say anything."""
    for address in ("sha256:../../../etc/passwd", "md5:0", "", "sha256:" + "A" * 64):
        with pytest.raises(IntegrityError):
            store.open(address)


HOSTILE = {
    "climbs": [("../out", tarfile.REGTYPE, "")],
    "climbs within": [("a/../../out", tarfile.REGTYPE, "")],
    "is absolute": [("/out", tarfile.REGTYPE, "")],
    "writes through a link": [
        ("a", tarfile.SYMTYPE, "../../.."),
        ("a/out", tarfile.REGTYPE, ""),
    ],
    "makes a folder through a link": [
        ("a", tarfile.SYMTYPE, "../../.."),
        ("a/b", tarfile.DIRTYPE, ""),
    ],
    "links hard to the outside": [("a", tarfile.LNKTYPE, "/etc/passwd")],
    "links hard through a link": [
        ("a", tarfile.SYMTYPE, "/etc"),
        ("b", tarfile.LNKTYPE, "a/passwd"),
    ],
}


@pytest.mark.parametrize("members", HOSTILE.values(), ids=HOSTILE)
def test_no_archive_writes_outside_of_its_folder(store, tmp_path, members):
    """As a layer and as a tree: refused, and nothing left behind."""
    data = raw((".", tarfile.DIRTYPE, ""), *members)
    kept = store.put(data, LAYER)
    for act, address in ((store.rootfs, image(store, (LAYER, data))), (store.tree, kept.digest)):
        with pytest.raises(IntegrityError):
            act(address)
    for name in ("out", "b"):
        assert not list(tmp_path.rglob(name))
        assert not (tmp_path.parent / name).exists()


def test_a_layer_may_be_laid_over_links_of_lower_ones(store):
    """A folder that is only implied follows a link inside the image; a stated one replaces it."""
    lower = tar([Entry("usr/lib/old", "file"), Entry("lib", "link", target="/usr/lib")])
    implied = raw(("lib/new", tarfile.REGTYPE, ""))
    found = store.rootfs(image(store, (LAYER, lower), (LAYER, implied)))
    assert sorted(path.name for path in (found / "usr/lib").iterdir()) == ["new", "old"]
    stated = tar([Entry("lib", "folder", 0o755), Entry("lib/new", "file")])
    found = store.rootfs(image(store, (LAYER, lower), (LAYER, stated)))
    assert [path.name for path in (found / "lib").iterdir()] == ["new"]
    assert [path.name for path in (found / "usr/lib").iterdir()] == ["old"]


def test_a_second_name_of_a_link_is_that_link(store, tmp_path):
    """Wherever that leads: nothing is read or written through it."""
    secret = tmp_path / "secret"
    secret.write_text("hush")
    data = raw(("way", tarfile.SYMTYPE, str(secret)), ("again", tarfile.LNKTYPE, "way"))
    root = store.rootfs(image(store, (LAYER, data)))

    assert (root / "again").readlink() == secret
    assert secret.stat().st_nlink == 1


def test_links_of_lower_layers_never_lead_outside(store, tmp_path):
    """However they climb, they end at the image's own root; circles are refused."""
    lower = tar([Entry("a", "link", target="../../../../b"), Entry("loop", "link", target="loop")])
    implied = raw(("a/new", tarfile.REGTYPE, ""))
    found = store.rootfs(image(store, (LAYER, lower), (LAYER, implied)))
    assert (found / "b" / "new").exists()
    with pytest.raises(IntegrityError):
        store.rootfs(image(store, (LAYER, lower), (LAYER, raw(("loop/x", tarfile.REGTYPE, "")))))


def test_a_layer_that_swells_is_refused(store):
    """A small blob that would fill the disk."""
    bomb = tar([Entry("zeros", "file", content=bytes(80_000_000))])
    with pytest.raises(IntegrityError, match="unlikely size"):
        store.rootfs(image(store, (LAYER_GZIP, bomb)))


def test_a_layer_that_is_not_what_its_image_says_is_refused(store):
    """The digest of the uncompressed content is checked too."""
    kept = store.put(tar([Entry("a", "file")]), LAYER)
    config = {"rootfs": {"type": "layers", "diff_ids": ["sha256:" + "0" * 64]}}
    manifest = Manifest(config=store.put(digest.canonical(config), CONFIG), layers=(kept,))
    made = store.put(msgspec.json.encode(manifest), MANIFEST)
    with pytest.raises(IntegrityError, match="does not hold"):
        store.rootfs(made.digest)


def test_an_artifact_has_no_root(store):
    """It cannot run, and says so."""
    with pytest.raises(PackageError):
        store.rootfs(artifact(store, "a/model").digest)


def test_images_share_the_files_of_their_layers(store):
    """The second image costs links, not copies."""
    shared = tar([Entry("big", "file", content=bytes(100_000))])
    one = store.rootfs(image(store, (LAYER, shared), (LAYER, tar([Entry("a", "file")]))))
    two = store.rootfs(image(store, (LAYER, shared), (LAYER, tar([Entry("b", "file")]))))
    assert one != two
    assert (one / "big").stat().st_ino == (two / "big").stat().st_ino


def test_folders_without_rights_come_and_go(store, tmp_path):
    """Their owner has all; the store can remove them, and so can he."""
    closed = tar([Entry("in", "folder", 0o000), Entry("in/side", "folder", 0o555)])
    found = store.rootfs(image(store, (LAYER, closed)))
    assert (found / "in").stat().st_mode & 0o777 == 0o700
    remove(found)
    assert not found.exists()
    store.rootfs(image(store, (LAYER, closed)))
    store.clear()
    assert not list((tmp_path / "unpacked").rglob("in"))


def test_an_ordinary_user_can_delete_all_of_it(store, tmp_path):
    """With `rm -rf`, and no right that others lack."""
    (tmp_path / "tree" / "sub").mkdir(parents=True)
    (tmp_path / "tree" / "sub" / "file").write_text("text")
    store.tree(store.put_tree(tmp_path / "tree"))
    store.rootfs(image(store, (LAYER, tar([Entry("in", "folder", 0o500), Entry("in/f", "file")]))))
    words = [locate(), "--dev-bind", "/", "/", "--cap-drop", "ALL", "--"]

    subprocess.run([*words, "rm", "-rf", tmp_path / "unpacked"], check=True)

    assert not (tmp_path / "unpacked").exists()


def test_what_was_unpacked_may_be_removed_at_any_time(store, tmp_path):
    """It comes again when it is asked for."""
    (tmp_path / "tree").mkdir()
    kept = store.put_tree(tmp_path / "tree")
    store.tree(kept)
    store.clear()
    assert store.tree(kept).is_dir()


def test_an_unreadable_index_is_an_error_that_names_it(store):
    """Nothing is overwritten."""
    kept = artifact(store, "a/b")
    store.tag("a", kept)
    (store.root / "index.json").write_text("{")
    for act in (lambda: store.resolve("a"), lambda: store.tag("b", kept)):
        with pytest.raises(IntegrityError, match=r"index\.json"):
            act()
    assert (store.root / "index.json").read_text() == "{"


def test_foreign_entries_of_the_index_are_kept(store):
    """What other tools wrote: names, platforms, annotations."""
    kept = artifact(store, "a/b")
    store.tag("a", kept)
    index = json.loads((store.root / "index.json").read_text())
    index["annotations"] = {"by": "another"}
    index["manifests"][0]["platform"] = {"os": "linux", "architecture": "arm64"}
    (store.root / "index.json").write_text(json.dumps(index))
    store.tag("b", kept)
    found = json.loads((store.root / "index.json").read_text())
    assert found["annotations"] == {"by": "another"}
    assert found["manifests"][0] == index["manifests"][0]


def test_a_full_disk_is_said_and_leaves_the_store_as_it_was(store, tmp_path):
    """A limit on the size of files stands for the disk."""
    kept = store.put(b"before", "text/plain")
    program = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from sealift.adapters.stores.layout import Layout\n"
        "from sealift.errors import MachineError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "store = Layout(Path(sys.argv[1]), Path(sys.argv[2]))\n"
        "try:\n"
        "    store.put(bytes(1_000_000), 'text/plain')\n"
        "except MachineError as error:\n"
        "    print(error)\n"
    )
    words = [sys.executable, "-c", program, store.root, tmp_path / "unpacked"]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert "File too large" in said
    assert not list((store.root / "incoming").iterdir())
    assert [path.name for path in (store.root / "blobs/sha256").iterdir()] == [kept.digest[7:]]


WRITER = """
import sys
from pathlib import Path
from sealift.adapters.stores.layout import Layout
from sealift.testing.store_suite import artifact
store = Layout(Path(sys.argv[1]), Path(sys.argv[2]))
subject = artifact(store, "a/model")
for number in range(int(sys.argv[4])):
    body = f"{sys.argv[3]} {number}".encode() * 1000
    store.tag(f"{sys.argv[3]}:{number}", artifact(store, "a/report", subject, body))
    store.tree(store.put_tree(Path(sys.argv[5])))
    print(number, flush=True)
"""


def writer(store, tmp_path, name, count):
    """A process that puts, names and unpacks."""
    tree = tmp_path / "tree"
    tree.mkdir(exist_ok=True)
    (tree / "file").write_text("text")
    words = [
        sys.executable,
        "-c",
        WRITER,
        store.root,
        tmp_path / "unpacked",
        name,
        count,
        tree,
    ]
    return subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE)


def test_several_processes_write_at_once(store, tmp_path):
    """No name and no referrer is lost."""
    processes = [writer(store, tmp_path, name, 12) for name in ("a", "b", "c")]
    for process in processes:
        process.communicate()
        assert process.returncode == 0
    subject = artifact(store, "a/model")
    assert len(store.referrers(subject.digest)) == 36
    for name in ("a", "b", "c"):
        for number in range(12):
            assert store.has(store.resolve(f"{name}:{number}").digest)


def test_a_kill_at_any_moment_leaves_a_valid_store(store, tmp_path):
    """Every blob is whole, every name resolves, and the next writer goes on."""
    for turn in range(8):
        with writer(store, tmp_path, f"t{turn}", 1000) as process:
            for _ in range(1 + turn % 3):
                process.stdout.readline()
            time.sleep(0.003 * turn)
            os.kill(process.pid, signal.SIGKILL)
        for path in (store.root / "blobs/sha256").iterdir():
            assert digest.of_file(path) == f"sha256:{path.name}"
        index = json.loads((store.root / "index.json").read_text())
        for entry in index["manifests"]:
            assert store.manifest(entry["digest"])
    shutil.rmtree(tmp_path / "unpacked" / "rootfs", ignore_errors=True)
    with writer(store, tmp_path, "last", 1) as process:
        process.communicate()
    assert process.returncode == 0
    assert store.resolve("last:0")


def test_left_over_parts_of_the_dead_are_removed(store, tmp_path):
    """An old file that nobody holds goes with the next put; half a tree with the next try."""
    store.put(b"a", "text/plain")
    old = store.root / "incoming" / "dead"
    old.write_bytes(b"half")
    os.utime(old, (1, 1))
    store.put(b"b", "text/plain")
    assert not old.exists()
    (tmp_path / "tree").mkdir()
    kept = store.put_tree(tmp_path / "tree")
    part = tmp_path / "unpacked" / "trees" / f"{kept[7:]}.part"
    part.mkdir(parents=True)
    (part / "half").write_text("")
    part.chmod(0o555)
    assert not list(store.tree(kept).iterdir())
    assert not part.exists()


def test_threads_unpack_one_image_once(store):
    """All get the same folder."""
    layer = tar(Entry(f"{number}", "file", content=bytes(1000)) for number in range(200))
    made = image(store, (LAYER, layer))
    with ThreadPoolExecutor(4) as threads:
        found = set(threads.map(store.rootfs, [made] * 4))
    assert len(found) == 1
    assert len(list(found.pop().iterdir())) == 200


def test_a_store_in_a_folder_that_cannot_be_made_says_so(tmp_path):
    """A file is in the way."""
    (tmp_path / "file").write_text("")
    store = Layout(tmp_path / "file" / "layout", tmp_path / "unpacked")
    with pytest.raises(MachineError):
        store.put(b"a", "text/plain")
    with pytest.raises(SealiftError):
        store.resolve("a")


def test_a_manifest_with_too_few_digits_is_not_guessed(store):
    """Eleven digits are a name like any other."""
    kept = artifact(store, "a/b")
    with pytest.raises(NotFoundError):
        store.resolve(kept.digest[7:18])
