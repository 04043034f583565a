"""An image as one file: what is in it, and what is left when it cannot be written."""

import gzip
import io
import json
import random
import subprocess
import sys
import tarfile

import pytest
import zstandard

from sealift import digest
from sealift.adapters.stores.layout import Layout
from sealift.errors import IntegrityError, MachineError
from sealift.package.image import serving_config, write
from sealift.package.portable import header, save
from sealift.record.image import LAYER, LAYER_GZIP, LAYER_ZSTD, Descriptor, Layer
from sealift.record.lock import Variant

NAME = "docker.io/library/flights:3"
PACKED = {
    LAYER: bytes,
    LAYER_GZIP: lambda plain: gzip.compress(plain, mtime=0),
    LAYER_ZSTD: zstandard.compress,
}


def packed(name, content):
    """A tar with one file."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    return made.getvalue()


TARS = [packed(f"file-{number}", random.Random(number).randbytes(70_000)) for number in range(3)]


def image(store, tars, kinds=(LAYER, LAYER_GZIP, LAYER_ZSTD)):
    """An image of tars, each kept in one of the ways that layers are kept in."""
    layers = [
        Layer(
            descriptor=store.put(PACKED[kind](plain), kind),
            diff_id=digest.of_bytes(plain),
            role="base",
        )
        for plain, kind in zip(tars, kinds, strict=True)
    ]
    notes = {"org.opencontainers.image.title": "flights"}
    return write(
        store, serving_config(Variant(platform="linux/amd64"), layers, notes), layers, notes
    ).digest


@pytest.fixture
def store(tmp_path):
    """An empty store on the disk."""
    return Layout(tmp_path / "layout", tmp_path / "unpacked")


def members(path):
    """The files of a tar by name."""
    with tarfile.open(path) as tar:
        return {one.name: tar.extractfile(one).read() for one in tar if one.isfile()}


def test_the_archive_is_dockers(store, tmp_path):
    """A table of contents, the configuration as it is, and layers without compression."""
    made = image(store, TARS)

    size = save(store, made, NAME, tmp_path / "image.tar")

    found = members(tmp_path / "image.tar")
    [entry] = json.loads(found["manifest.json"])
    assert entry["RepoTags"] == [NAME]
    assert [found[name] for name in entry["Layers"]] == TARS
    config = store.manifest(made).config.digest
    assert entry["Config"] == f"blobs/sha256/{config[7:]}"
    assert digest.of_bytes(found[entry["Config"]]) == config
    assert size == (tmp_path / "image.tar").stat().st_size


def test_the_archive_is_an_oci_layout(store, tmp_path):
    """Every blob is what its name says, and what the manifest says of it."""
    made = image(store, TARS)

    save(store, made, NAME, tmp_path / "image.tar")

    found = members(tmp_path / "image.tar")
    assert json.loads(found["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    [root] = json.loads(found["index.json"])["manifests"]
    manifest = json.loads(found[f"blobs/sha256/{root['digest'][7:]}"])
    for one in (root, manifest["config"], *manifest["layers"]):
        content = found[f"blobs/sha256/{one['digest'][7:]}"]
        assert (digest.of_bytes(content), len(content)) == (one["digest"], one["size"])
    assert root["annotations"]["io.containerd.image.name"] == NAME
    assert root["annotations"]["org.opencontainers.image.ref.name"] == "3"
    assert manifest["annotations"] == {"org.opencontainers.image.title": "flights"}


def test_a_layer_that_occurs_twice_is_written_once(store, tmp_path):
    """And is named twice."""
    made = image(store, [TARS[0], TARS[1], TARS[0]])

    save(store, made, NAME, tmp_path / "image.tar")

    with tarfile.open(tmp_path / "image.tar") as tar:
        names = tar.getnames()
    assert len(set(names)) == len(names)
    [entry] = json.loads(members(tmp_path / "image.tar")["manifest.json"])
    assert entry["Layers"][0] == entry["Layers"][2]


def test_the_same_image_gives_the_same_bytes(store, tmp_path):
    """However its layers were kept."""
    other = Layout(tmp_path / "other", tmp_path / "unpacked")
    save(store, image(store, TARS), NAME, tmp_path / "one.tar")
    save(other, image(other, TARS, [LAYER] * 3), NAME, tmp_path / "two.tar")

    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()


def test_a_header_has_room_for_more_than_8_gib():
    """In one block, since the size is known when the block is behind us."""
    block = header("blobs/sha256/" + "0" * 64, 20 << 30, tarfile.REGTYPE)

    assert len(block) == tarfile.BLOCKSIZE
    assert tarfile.TarInfo.frombuf(block, "utf-8", "strict").size == 20 << 30


def test_a_damaged_layer_gives_no_archive(store, tmp_path):
    """The file that was there stays, and nothing else is left."""
    made = image(store, TARS)
    layer = store.manifest(made).layers[2].digest
    path = store.root / "blobs" / "sha256" / layer[7:]
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[40_000] ^= 1
    path.write_bytes(content)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "image.tar").write_bytes(b"before")

    with pytest.raises(IntegrityError):
        save(store, made, NAME, tmp_path / "out" / "image.tar")

    assert [one.name for one in (tmp_path / "out").iterdir()] == ["image.tar"]
    assert (tmp_path / "out" / "image.tar").read_bytes() == b"before"


def test_layers_that_are_not_what_the_image_says_are_refused(store, tmp_path):
    """A blob that is sound, in the place of another."""
    layers = [
        Layer(descriptor=store.put(TARS[0], LAYER), diff_id=digest.of_bytes(TARS[1]), role="base")
    ]
    made = write(store, serving_config(Variant(platform="linux/amd64"), layers, {}), layers).digest

    with pytest.raises(IntegrityError, match="does not hold"):
        save(store, made, NAME, tmp_path / "image.tar")

    assert not (tmp_path / "image.tar").exists()


def test_what_is_no_image_is_refused(store, tmp_path):
    """A model's artifact, say, has no root file system."""
    kept = store.put(b"{}", "application/vnd.oci.empty.v1+json")
    config = Descriptor(media_type=kept.media_type, digest=kept.digest, size=kept.size)
    content = {
        "schemaVersion": 2,
        "config": {"mediaType": config.media_type, "digest": kept.digest, "size": 2},
        "layers": [],
    }
    made = store.put(digest.canonical(content), "application/vnd.oci.image.manifest.v1+json")

    with pytest.raises(IntegrityError, match="not an image that runs"):
        save(store, made.digest, NAME, tmp_path / "image.tar")


@pytest.mark.parametrize("place", ["absent/image.tar", "."])
def test_a_place_that_cannot_be_written_is_named(store, tmp_path, place):
    """A folder that is not there, and one where a file should be."""
    made = image(store, TARS)

    with pytest.raises(MachineError, match="The archive cannot be written") as caught:
        save(store, made, NAME, tmp_path / place)

    assert caught.value.where == str(tmp_path / place)
    assert caught.value.remedy


SAVING = """
import resource, signal, sys
from pathlib import Path
from sealift.adapters.stores.layout import Layout
from sealift.errors import MachineError
from sealift.package.portable import save
root, made, to, limit = sys.argv[1:]
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
if int(limit):
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
try:
    save(Layout(Path(root), Path(root) / "unpacked"), made, "docker.io/library/m:1", Path(to))
except MachineError as error:
    print(error.what, error.remedy)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def saving(store, made, to, limit=0):
    """What a process says that saves an image, with room for so many bytes; and its memory."""
    words = [sys.executable, "-c", SAVING, str(store.root), made, str(to), str(limit)]
    done = subprocess.run(words, capture_output=True, check=True, text=True)
    *said, grown = done.stdout.splitlines()
    return said, int(grown)


def test_without_room_for_it_there_is_no_archive(store, tmp_path):
    """It is said why, and nothing is left of what was written."""
    made = image(store, TARS)
    (tmp_path / "out").mkdir()

    [said], _ = saving(store, made, tmp_path / "out" / "image.tar", 100_000)

    assert "The archive cannot be written" in said
    assert "Free some space" in said
    assert not list((tmp_path / "out").iterdir())


def test_a_large_layer_is_never_in_memory(store, tmp_path):
    """Sixty-four megabytes pass through a few."""
    large = packed("large", bytes(64 << 20))
    made = image(store, [large], [LAYER_ZSTD])

    _, grown = saving(store, made, tmp_path / "image.tar")

    assert grown < 32_000
    assert (tmp_path / "image.tar").stat().st_size > 64 << 20
