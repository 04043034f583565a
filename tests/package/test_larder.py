"""What is kept for all projects of a machine: made once, checked whenever it is taken."""

import threading

import pytest
from compilers import compiling, none
from test_images import builder, copy, model

from sealift import digest
from sealift.package.larder import Larder

KEY = digest.of_json(["some", "module"])
OTHER = digest.of_json(["another"])
FILES = {"lib/a.pyc": b"a" * 99, "lib/deeper/b.pyc": b"b" * 99}


@pytest.fixture
def larder(tmp_path):
    """A folder that nothing is in yet."""
    return Larder(tmp_path / "larder")


def kept(tmp_path):
    """The files of the folder."""
    return sorted(path for path in (tmp_path / "larder").rglob("*") if path.is_file())


def test_what_was_kept_is_found_under_its_key_alone(larder, tmp_path):
    """By whoever looks; that something came to nothing is kept too."""
    assert larder.get(KEY) is None
    larder.put(KEY, FILES)
    larder.put(OTHER, {})
    again = Larder(tmp_path / "larder")
    assert again.get(KEY) == FILES
    assert again.get(OTHER) == {}
    assert again.get(digest.of_json("a third")) is None
    for path in kept(tmp_path):
        path.unlink()
    assert again.get(KEY) is None


@pytest.mark.parametrize("damage", ["flipped", "cut", "emptied", "another", "foreign"])
def test_what_is_damaged_is_not_found(larder, tmp_path, damage):
    """A bit, an end that is missing, the sound file of another key, that of another version."""
    larder.put(KEY, FILES)
    (path,) = kept(tmp_path)
    content = path.read_bytes()
    if damage == "flipped":
        path.write_bytes(content[:-50] + bytes([content[-50] ^ 4]) + content[-49:])
    elif damage == "another":
        larder.put(OTHER, {"lib/a.pyc": b"evil"})
        (other,) = set(kept(tmp_path)) - {path}
        other.replace(path)
    elif damage == "foreign":
        told = b'["not", "as it is now"]'
        path.write_bytes(digest.of_bytes(KEY.encode() + told).encode() + told)
    else:
        path.write_bytes(content[: len(content) // 2] if damage == "cut" else b"")
    assert larder.get(KEY) is None
    larder.put(KEY, FILES)
    assert path.read_bytes() == content


def test_several_at_once_leave_it_whole(larder, tmp_path):
    """Whoever reads meanwhile finds all of it or nothing."""
    barrier, found = threading.Barrier(4, timeout=30), []

    def work():
        barrier.wait()
        for _ in range(50):
            found.append(larder.get(KEY))
            larder.put(KEY, FILES)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 200
    assert all(one in (None, FILES) for one in found)
    assert len(kept(tmp_path)) == 1


def test_a_folder_that_cannot_be_had_refuses_nothing(larder, tmp_path):
    """Nothing is kept."""
    (tmp_path / "larder").write_text("a file where the folder should be")
    larder.put(KEY, FILES)
    assert larder.get(KEY) is None


def test_bytecode_is_compiled_once_for_all_projects_of_a_machine(world, tmp_path):
    """A fresh clone gets the same image, though no container may be run for it."""
    engine = compiling()
    build, store, _ = builder(world, engine=lambda: engine)
    _, record = model(store, tmp_path / "model")
    made = build.serving_image(record)
    assert len(engine.ran) == 2
    clone, there, talk = builder(copy(world, "clone"), engine=none)
    _, record = model(there, tmp_path / "model")
    assert clone.serving_image(record).digest == made.digest
    assert ("bytecode layer", "building") in talk.steps
