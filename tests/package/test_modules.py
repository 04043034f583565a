"""The sources of modules in layers: those that a container would see, whoever tells of them."""

import pytest
from test_images import Talk

from sealift import digest
from sealift.archive import Entry
from sealift.errors import IntegrityError
from sealift.package.layer import Part, sorted_entries
from sealift.package.modules import Modules
from sealift.package.shelf import Shelf, Source
from sealift.testing.store import MemoryStore

LIB = "usr/lib/python3.13"


def made(store, notes, witness, **files):
    """A layer of files by their names, None for a link, as a shelf makes it before a witness."""
    entries = [
        Entry(name, "link", target="elsewhere")
        if content is None
        else Entry(name, "file", content=content)
        for name, content in files.items()
    ]
    shelf = Shelf(store, notes, Talk(), [witness] if witness else [])
    source = Source(digest.of_json(sorted(files)))
    (one,) = shelf.layers("base", source, lambda: [Part("", sorted_entries(entries))])
    return one


@pytest.fixture
def image(tmp_path):
    """A function from a witness to layers over each other, with their stores: one of a base of
    others, and one of what was made on it.
    """

    def make(witness=None):
        lower, upper = MemoryStore(tmp_path / "lower"), MemoryStore(tmp_path / "upper")
        outside = tmp_path / "queue.py"
        outside.write_bytes(b"kept")
        below = made(
            lower, tmp_path / "notes", witness,
            **{
                f"{LIB}/json/decoder.py": b"old",
                f"{LIB}/asyncio/tasks.py": b"gone",
                f"{LIB}/logging/__init__.py": b"gone too",
                f"{LIB}/turtle.py": b"never loaded",
                f"{LIB}/queue.py": outside,
                f"{LIB}/re/_casefix.py": b"hidden",
                f"{LIB}/pathlib/_abc.py": b"a folder that a file takes the place of",
                f"{LIB}/functools.py": b"a module that a link takes the place of",
            },
        )  # fmt: skip
        above = made(
            upper, tmp_path / "notes", witness,
            **{
                f"{LIB}/json/decoder.py": b"new",
                f"{LIB}/asyncio/.wh.tasks.py": b"",
                f"{LIB}/.wh.logging": b"",
                f"{LIB}/re/_parser.py": b"instead",
                f"{LIB}/re/.wh..wh..opq": b"",
                f"{LIB}/pathlib": b"",
                f"{LIB}/functools.py": None,
            },
        )  # fmt: skip
        return [below, above], (upper, lower)

    return make


SEEN = {
    f"{LIB}/json/decoder.py": b"new",
    f"{LIB}/queue.py": b"kept",
    f"{LIB}/re/_parser.py": b"instead",
}


def test_sources_are_those_that_a_container_would_see(image, tmp_path):
    """A later layer covers an earlier one, whiteouts take away, and other modules do not count."""
    layers, stores = image()
    modules = Modules(tmp_path / "modules")
    shown = modules.shown(layers, stores)
    assert {name: one.digest for name, one in shown.items()} == {
        name: digest.of_bytes(content) for name, content in SEEN.items()
    }
    assert modules.contents(shown, stores) == SEEN


def test_layers_that_were_seen_when_they_were_made_are_not_read(image, tmp_path):
    """Nor, to know what is in them, by a later process: by its notes."""
    modules = Modules(tmp_path / "modules")
    layers, stores = image(modules.note)
    nothing = (MemoryStore(tmp_path / "nothing"),)
    shown = modules.shown(layers, nothing)
    assert modules.contents(shown, nothing) == SEEN
    later = Modules(tmp_path / "modules")
    assert later.shown(layers, nothing) == shown
    assert later.contents(shown, stores) == SEEN
    assert Modules(tmp_path / "lost").shown(layers, stores) == shown


def test_only_layers_that_have_a_source_are_read_for_it(image, tmp_path):
    """Of an image with all packages few have any."""
    modules = Modules(tmp_path / "modules")
    layers, stores = image(modules.note)
    other = made(stores[0], tmp_path / "notes", modules.note, **{"usr/share/big": b"0" * 99})
    shown = modules.shown([other, *layers, other], stores)
    (tmp_path / "upper").mkdir(exist_ok=True)
    read = []

    class Watched:
        """A store that remembers what was read."""

        def __init__(self, store):
            self.has, self._store = store.has, store

        def open(self, address):
            """Read a blob."""
            read.append(address)
            return self._store.open(address)

    watched = [Watched(one) for one in stores]
    assert Modules(tmp_path / "modules").contents(shown, watched) == SEEN
    assert sorted(read) == sorted(one.descriptor.digest for one in layers)


def test_what_a_wrong_note_tells_is_not_compiled(image, tmp_path):
    """What would be kept under its digest would be the bytecode of something else."""
    layers, stores = image()
    modules = Modules(tmp_path / "modules")
    modules.shown(layers, stores)
    right, wrong = (digest.of_bytes(one).encode() for one in (b"kept", b"evil"))
    for path in (tmp_path / "modules").iterdir():
        path.write_bytes(path.read_bytes().replace(right, wrong))
    later = Modules(tmp_path / "modules")
    shown = later.shown(layers, stores)
    with pytest.raises(IntegrityError, match=r"queue\.py"):
        later.contents(shown, stores)
    assert later.contents(later.shown(layers, stores), stores) == SEEN
