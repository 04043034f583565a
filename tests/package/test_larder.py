"""What is kept for all projects of a machine: made once, checked whenever it is taken."""

import threading

import pytest
from test_bytecode import compiling, contents
from test_images import Talk, builder, copy, model

from sealift import digest
from sealift.archive import Entry
from sealift.package.larder import Larder
from sealift.package.layer import Part
from sealift.package.shelf import Shelf, Source
from sealift.testing.store import MemoryStore

SOURCE = Source(digest.of_json(["some", "modules"]), digest.of_json("a recipe"))
NAMES = ("lib/a.pyc", "lib/deeper/b.pyc")


class Project:
    """A shelf of its own before the folder that all share; ``made`` counts what it had to make."""

    def __init__(self, root, larder):
        self.store, self.made = MemoryStore(root / "store"), 0
        self._shelf = Larder(Shelf(self.store, root / "notes", Talk()), larder)

    def parts(self):
        """What takes long."""
        self.made += 1
        entries = [Entry(name, "file", content=name.encode() * 99) for name in NAMES]
        yield Part("server", entries)

    def layers(self, source=SOURCE, make=None):
        """The layers, without saying whether this project had them."""
        return self._shelf.layers("bytecode", source, make or self.parts)


@pytest.fixture
def project(tmp_path):
    """A function from a name to a project; all share a folder."""
    return lambda name: Project(tmp_path / name, tmp_path / "larder")


def kept(tmp_path):
    """The files of the folder."""
    return sorted(path for path in (tmp_path / "larder").rglob("*") if path.is_file())


def test_a_second_project_makes_nothing_and_gets_the_same_layers(project, tmp_path):
    """Of the same source alone; a deleted folder costs making it again."""
    one, other = project("one"), project("other")
    first = one.layers()
    assert other.layers() == first
    assert (one.made, other.made) == (1, 0)
    (layer,) = other.layers()
    assert layer.holds == "server"
    assert sorted(contents(layer, other.store)) == sorted(NAMES)
    other.layers(Source(SOURCE.content, digest.of_json("another recipe")))
    assert other.made == 1
    for path in kept(tmp_path):
        path.unlink()
    third = project("third")
    assert third.layers() == first
    assert third.made == 1


@pytest.mark.parametrize("damage", ["flipped", "cut", "emptied", "another", "foreign"])
def test_what_is_damaged_is_made_again(project, tmp_path, damage):
    """A bit, an end that is missing, the sound file of another source, that of another version."""
    one = project("one")
    sound = one.layers()
    (path,) = kept(tmp_path)
    content = path.read_bytes()
    if damage == "flipped":
        path.write_bytes(content[:-50] + bytes([content[-50] ^ 4]) + content[-49:])
    elif damage == "another":
        entry = Entry("lib/a.pyc", "file", content=b"evil")
        one.layers(Source(digest.of_json("other")), lambda: [Part("", [entry])])
        (other,) = set(kept(tmp_path)) - {path}
        other.replace(path)
    elif damage == "foreign":
        told = b'["not", "as it is now"]'
        path.write_bytes(digest.of_bytes(SOURCE.key.encode() + told).encode() + told)
    else:
        path.write_bytes(content[: len(content) // 2] if damage == "cut" else b"")
    again = project("again")
    assert again.layers() == sound
    assert again.made == 1
    assert path.read_bytes() == content


def test_several_at_once_each_get_it_whole(project, tmp_path):
    """Who finds nothing makes it; the last to end leaves what the first left."""
    projects = [project(f"project{number}") for number in range(4)]
    barrier, found = threading.Barrier(len(projects), timeout=30), {}

    def work(one):
        def make():
            barrier.wait()
            yield from one.parts()

        found[one] = one.layers(make=make)

    threads = [threading.Thread(target=work, args=(one,)) for one in projects]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == len(projects)
    assert len({one.descriptor.digest for layers in found.values() for one in layers}) == 1
    assert len(kept(tmp_path)) == 1
    late = project("late")
    assert late.layers()
    assert late.made == 0


def test_a_folder_that_cannot_be_had_costs_time_alone(project, tmp_path):
    """Nothing is kept, and nothing is refused."""
    (tmp_path / "larder").write_text("a file where the folder should be")
    one, other = project("one"), project("other")
    assert one.layers() == other.layers()
    assert (one.made, other.made) == (1, 1)


def test_half_a_making_is_not_kept(project, tmp_path):
    """What fails after its first part is an error for each that asks."""
    one = project("one")

    def failing():
        yield from one.parts()
        raise OSError("the disk is full")

    for _ in range(2):
        with pytest.raises(OSError, match="full"):
            one.layers(make=failing)
    assert one.made == 2
    assert kept(tmp_path) == []


def test_bytecode_is_compiled_once_for_all_projects_of_a_machine(world, tmp_path):
    """A fresh clone gets the same image, though no container may be run for it."""
    engine = compiling()
    build, store, _ = builder(world, engine=engine, bytecode=True)
    _, record = model(store, tmp_path / "model")
    made = build.serving_image(record)
    assert len(engine.ran) == 2
    clone, there, talk = builder(copy(world, "clone"), bytecode=True)
    _, record = model(there, tmp_path / "model")
    assert clone.serving_image(record).digest == made.digest
    assert ("bytecode layer", "building") in talk.steps
