"""Which image, and so which documents, belong to a version of a model."""

from sealift import digest
from sealift.chapters.versions import newest_images
from sealift.record.contract import Contract
from sealift.record.image import Image
from sealift.record.launch import Launch
from sealift.record.model import Model, Origin
from sealift.wiring import Wired

THEIRS, OURS, LATER = (digest.of_bytes(name.encode()) for name in ("theirs", "ours", "later"))


def model(version, image=None):
    """A version that was trained, or brought in within an image."""
    launch = Launch(argv=("serve",))
    return Model(
        name="m",
        version=version,
        digest=digest.of_bytes(b"%d" % version),
        content=digest.of_bytes(b"%d" % version),
        origin=Origin(reference="theirs:1", image=image, served="m", launch=launch)
        if image
        else None,
        run=None if image else "r",
        created=0.0,
        task="regression",
        metrics={},
        contract=Contract(task="regression", target="t", fields=(), outputs=(), prediction="p"),
    )


def image(address, version):
    """An image that was made of a version, or brought in as one last."""
    return Image(digest=address, platform="linux/amd64", layers=(), model=version, created=0.0)


def test_versions_that_came_in_one_image_have_its_documents_both(tmp_path):
    """The image was brought in twice, and is kept once; trained versions have their own newest."""
    (tmp_path / "sealift.toml").write_text('name = "m"\n')
    wired = Wired(tmp_path)
    for one in (model(1, THEIRS), model(2, THEIRS), model(3), model(4)):
        wired.ledger.save(one)
    for kept in (image(THEIRS, 1), image(THEIRS, 2), image(OURS, 3), image(LATER, 3)):
        wired.ledger.save(kept)

    found = newest_images(wired)

    assert {version: one.digest for version, one in found.items()} == {
        1: THEIRS,
        2: THEIRS,
        3: LATER,
    }
