"""Steps in images of others."""

import pytest
from train_foreseen import ahead
from train_project import Small, one
from train_repeated import again

from sealift.errors import NotFoundError, PackageError
from sealift.folders import Folders
from sealift.package import locking
from sealift.package.borrowed import Borrowed
from sealift.testing.store import MemoryStore
from sealift.types import Digest

REFERENCE = "registry.example.com/r-base:4"


@pytest.fixture
def small(tmp_path):
    """The project, one step of which has an image of its own."""
    made = Small(tmp_path / "p")
    made.image, other = (
        made.store.put(text, "application/octet-stream").digest for text in (b"own", b"other")
    )
    made.images = {REFERENCE: other}
    made.change("[steps.train]", f'[steps.train]\nimage = "{REFERENCE}"')
    return made


def test_a_step_runs_in_the_image_that_it_names(small):
    """The others run in the project's; the record has both, and runs again in them."""
    run = small.run()

    used = {spec.labels["sealift.step"]: spec.image for spec in small.engine.ran}
    assert used["train"] == small.images[REFERENCE]
    assert used["prepare"] == used["evaluate"] == small.image == run.image
    assert run.images == small.images
    assert again(small, run).reproduced


def test_only_steps_of_an_image_that_changed_run_again(small):
    """And they say so."""
    small.run()
    small.images = {REFERENCE: Digest("sha256:" + "4" * 64)}

    assert ahead(small)["train"].because == "train runs again: the image of the steps changed."
    assert one(small.run(), "prepare").cached


class Silent:
    """Nobody listens."""

    def step(self, name, status):
        """A status."""


def lay(store, word):
    """An image, as the store has it after it was brought."""
    config = store.put(word.encode(), "application/vnd.oci.image.config.v1+json")
    text = (
        '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":'
        f'{{"mediaType":"{config.media_type}","digest":"{config.digest}","size":{config.size}}},'
        '"layers":[]}'
    )
    return store.put(text.encode(), "application/vnd.oci.image.manifest.v1+json").digest


@pytest.fixture
def shelf(tmp_path):
    """What brings images, and remembers what it was asked for; a tag leads to the last one."""
    store, asked, tags = MemoryStore(tmp_path / "store"), [], ["first"]

    def fetch(reference, platform, wanted):
        asked.append((reference, platform, wanted))
        found = lay(store, tags[-1])
        return wanted or found

    return Borrowed(Folders(tmp_path), store, fetch, "linux/amd64", Silent()), asked, tags


def test_a_tag_is_looked_up_once_and_pinned(shelf):
    """Whatever it leads to later: the lock says which image it was."""
    borrowed, asked, tags = shelf
    first = borrowed.images([REFERENCE, REFERENCE])
    tags.append("second")

    assert borrowed.images([REFERENCE]) == first
    assert asked == [(REFERENCE, "linux/amd64", None)]
    locks = locking.read(borrowed.folders)
    assert locks.image(REFERENCE, "linux/amd64") == first[REFERENCE]
    assert locks.image(REFERENCE, "linux/arm64") is None


def test_on_another_machine_the_pinned_image_is_asked_for(shelf, tmp_path):
    """By its digest, not by its tag."""
    borrowed, asked, _ = shelf
    first = borrowed.images([REFERENCE])
    elsewhere = MemoryStore(tmp_path / "elsewhere")
    Borrowed(
        borrowed.folders, elsewhere, borrowed.fetch, "linux/amd64", Silent()
    ).images([REFERENCE])  # fmt: skip

    assert asked[-1] == (REFERENCE, "linux/amd64", first[REFERENCE])


def test_an_image_in_a_file_is_what_lies_there_now(shelf):
    """Who puts another there means it: its steps run again."""
    borrowed, _, tags = shelf
    first = borrowed.images(["oci:box"])
    tags.append("second")
    second = borrowed.images(["oci:box"])

    assert first != second
    assert locking.read(borrowed.folders).image("oci:box", "linux/amd64") == second["oci:box"]


def test_an_image_that_is_gone_is_named(shelf):
    """With what to do about the lock."""

    def gone(*_):
        raise NotFoundError("There is no such tag.", where="registry.example.com")

    borrowed = Borrowed(shelf[0].folders, shelf[0].store, gone, "linux/amd64", Silent())
    with pytest.raises(PackageError, match=r"r-base:4 cannot be had\. There is no such tag"):
        borrowed.images([REFERENCE])
