"""Every place that an image may lie at leads to the image for this machine, or to a clear word."""

import msgspec
import pytest
from check_world import put_image
from test_subject import checked

import registry_programs
from sealift import digest
from sealift.adapters.registries.push import push
from sealift.adapters.stores.layout import Layout
from sealift.chapters import targets
from sealift.check.machine import require
from sealift.check.suite import check_image
from sealift.errors import CheckError, NotFoundError, UsageError
from sealift.network.network import Network
from sealift.package.locking import here
from sealift.record.image import INDEX, MANIFEST, Descriptor, Manifest, platform_of

OTHER = "linux/arm64" if here() == "linux/amd64" else "linux/amd64"


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """Debian's registry."""
    child, host = registry_programs.start(tmp_path_factory.mktemp("registry"))
    yield host
    child.kill()
    child.wait()


def described(store, image, platform):
    """An image as an index lists it."""
    with store.open(image) as blob:
        size = len(blob.read())
    return {
        "mediaType": MANIFEST,
        "digest": image,
        "size": size,
        "platform": platform_of(platform),
    }


def put_index(store, entries):
    """An index of images."""
    value = {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}
    return store.put(digest.canonical(value), INDEX).digest


@pytest.fixture
def images(world):
    """An image for this machine, one for another kind, and the index of both."""
    mine = world.image()
    other = put_image(
        world.store, world.folder / "content", ["/server"], platform=OTHER.split("/")[1]
    )
    entries = [described(world.store, other, OTHER), described(world.store, mine, here())]
    return {"mine": mine, "other": other, "index": put_index(world.store, entries)}


def found(place, store, world):
    """The image at a place."""
    return targets.image(place, store, Network(), world.progress)


def test_a_tag_an_index_and_a_digest_in_a_registry_lead_to_the_image(world, images, registry):
    """Of an index it is this machine's; another machine's is what its own digest says."""
    push(world.store, images["index"], f"{registry}/team/flights:3")
    place, other = f"{registry}/team/flights", Layout(world.folder / "b", world.folder / "u")

    assert found(f"{place}:3", other, world) == images["mine"]
    assert found(f"{place}@{images['index']}", other, world) == images["mine"]
    assert found(f"{place}@{images['mine']}", other, world) == images["mine"]
    assert found(f"{place}@{images['other']}", other, world) == images["other"]
    with pytest.raises(NotFoundError, match="The registry does not have it"):
        found(f"{place}:4", other, world)


def test_an_image_that_was_pulled_is_checked(world, images, registry):
    """As one of the project is."""
    push(world.store, images["index"], f"{registry}/pulled:1")
    place = f"{registry}/pulled:1"

    assert checked(world, found(place, world.store, world)).passed


def test_a_layout_on_disk_leads_to_the_image(world, images):
    """By its name, with the index between."""
    world.store.tag("flights:3", Descriptor(media_type=INDEX, digest=images["index"], size=0))
    other = Layout(world.folder / "b", world.folder / "u")

    assert found(f"oci:{world.folder / 'layout'}:flights:3", other, world) == images["mine"]


def test_the_store_leads_to_the_image(world, images):
    """By its digest or the beginning of one, or by that of an index."""
    assert found(images["mine"], world.store, world) == images["mine"]
    assert found(images["mine"][:19], world.store, world) == images["mine"]
    assert found(images["index"], world.store, world) == images["mine"]


def test_an_index_without_an_image_for_this_machine_says_which_it_has(world, images):
    """And what is no image at all is not counted."""
    artifact = described(world.store, images["mine"], "unknown/unknown")
    index = put_index(world.store, [described(world.store, images["other"], OTHER), artifact])

    with pytest.raises(NotFoundError, match="no image for this machine") as caught:
        found(index, world.store, world)

    assert caught.value.remedy == f"It has images for: {OTHER}."


@pytest.mark.parametrize(
    ("place", "what"),
    [
        ("sha256:12", "is no digest"),
        ("sha256:" + "x" * 64, "is no digest"),
        ("flights", "no target of a check"),
        ("localhost:8080", "names no image"),
        ("/", "is a folder"),
        ("/etc/passwd", "is a file"),
    ],
)
def test_what_is_no_place_of_an_image_is_said_with_what_to_write(world, place, what):
    """Nobody is asked for it."""
    with pytest.raises(UsageError, match=what) as caught:
        found(place, world.store, world)

    assert caught.value.remedy.startswith(("Write", "It is", "For the server"))


def test_a_digest_that_is_not_in_the_store_is_not_found(world):
    """With where to look."""
    with pytest.raises(NotFoundError, match="no such image in the store") as caught:
        found("sha256:" + "0" * 64, world.store, world)

    assert "sealift models" in caught.value.remedy


def test_an_image_for_another_machine_is_not_started(world, images):
    """It would end in a puzzle."""
    bench = world.bench(platform=here())

    with pytest.raises(CheckError, match=f"for {OTHER}, and this machine is {here()}"):
        check_image(images["other"], bench, project="p", model=None, progress=world.progress)

    assert world.engine.specs == []


def test_an_image_for_a_machine_that_is_emulated_here_is_started(tmp_path):
    """The kernel lists who runs its programs."""
    (tmp_path / "qemu-riscv64").write_text("enabled")

    require("linux/riscv64", "linux/amd64", "sha256:0", handlers=tmp_path)
    with pytest.raises(CheckError):
        require("linux/s390x", "linux/amd64", "sha256:0", handlers=tmp_path)


def test_an_artifact_is_no_image(world, images):
    """Such as the model, which lies beside its images."""
    config = world.store.manifest(images["mine"]).config
    manifest = Manifest(config=config, layers=(), artifact_type="application/vnd.example.model")
    kept = world.store.put(msgspec.json.encode(manifest), MANIFEST)

    with pytest.raises(CheckError, match=r"an artifact: application/vnd\.example\.model"):
        checked(world, kept.digest)
