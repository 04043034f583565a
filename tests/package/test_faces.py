"""A model as volume, artifact and part of an index: three manifests over one set of blobs."""

import itertools
import json
import tarfile

import jsonschema
import pytest

from sealift.errors import IntegrityError, PackageError
from sealift.package.artifact import model_layers, write_model
from sealift.package.image import serving_config, write
from sealift.package.index import FACE, faces
from sealift.package.mountable import mountable
from sealift.record.image import INDEX, LAYER, MODEL_CONFIG, MODEL_MANIFEST, Image
from sealift.record.lock import Variant
from sealift.testing.store import MemoryStore

FILES = (
    "model.onnx",
    "model.onnx.data",
    "model.json",
    "contract.json",
    "profile.json",
    "golden.json",
)

TEXT = {"type": "string"}
TIME = {"type": "string", "format": "date-time"}
FLAG = {"type": "boolean"}
TEXTS = {"type": "array", "items": TEXT}
KINDS = {
    "type": "array",
    "items": {"enum": ["text", "image", "audio", "video", "embedding", "other"]},
}


def thing(required=(), **properties):
    """The schema of an object with these properties and no others."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "properties": properties,
    }


# what ModelPack demands of a configuration (model-spec, schema/config-schema.json, June 2026)
MODELPACK = thing(
    ("descriptor", "config", "modelfs"),
    descriptor=thing(
        createdAt=TIME,
        name={"type": "string", "minLength": 1},
        version=TEXT,
        title=TEXT,
        description=TEXT,
        family=TEXT,
        vendor=TEXT,
        revision=TEXT,
        docURL=TEXT,
        sourceURL=TEXT,
        datasetsURL=TEXTS,
        authors=TEXTS,
        licenses=TEXTS,
    ),
    config=thing(
        architecture=TEXT,
        format=TEXT,
        paramSize=TEXT,
        precision=TEXT,
        quantization=TEXT,
        capabilities=thing(
            inputTypes=KINDS,
            outputTypes=KINDS,
            knowledgeCutoff=TIME,
            reasoning=FLAG,
            toolUsage=FLAG,
            reward=FLAG,
            languages={"type": "array", "items": {"type": "string", "pattern": "^[a-z]{2}$"}},
        ),
    ),
    modelfs=thing(("type", "diffIds"), type={"enum": ["layers"]}, diffIds={**TEXTS, "minItems": 1}),
)
LAYER_KINDS = {
    f"application/vnd.cncf.model.{kind}.v1.{form}"
    for kind in ("weight", "weight.config", "doc", "code", "dataset")
    for form in ("raw", "tar", "tar+gzip", "tar+zstd")
}


@pytest.fixture
def store(tmp_path):
    """An empty store."""
    return MemoryStore(tmp_path / "store")


@pytest.fixture
def model(tmp_path, store):
    """The artifact of a model with its tensors outside."""
    folder = tmp_path / "model"
    folder.mkdir()
    for name in FILES:
        (folder / name).write_bytes(name.encode())
    return write_model(store, folder, name="flights", version=3)


def serving(store, model, platform):
    """An image that serves the model."""
    layers = model_layers(store, model.digest)
    kept = write(store, serving_config(Variant(platform=platform), layers, {}), layers)
    return Image(
        digest=kept.digest, platform=platform, layers=layers, lock=kept.digest, model=3, created=0.0
    )


def read(store, kept):
    """A JSON document of the store."""
    with store.open(kept["digest"] if isinstance(kept, dict) else kept.digest) as stream:
        return json.load(stream)


def test_the_artifact_is_what_modelpack_demands(store, model):
    """Types, configuration by its schema, digests of what is inside each layer."""
    manifest = read(store, model)
    content = read(store, manifest["config"])

    jsonschema.validate(content, MODELPACK)
    assert manifest["schemaVersion"] == 2
    assert manifest["artifactType"] == MODEL_MANIFEST
    assert manifest["config"]["mediaType"] == MODEL_CONFIG
    assert {one["mediaType"] for one in manifest["layers"]} <= LAYER_KINDS
    assert content["modelfs"]["diffIds"] == [one["digest"] for one in manifest["layers"]]
    assert content["descriptor"]["name"] == "flights"


def test_a_layer_is_called_what_its_bytes_are(store, model):
    """A runtime that hands out blobs as files hands out a tar, under the name of a tar."""
    for layer in read(store, model)["layers"]:
        notes = layer["annotations"]
        path = notes["org.cncf.model.filepath"]
        with store.open(layer["digest"]) as blob, tarfile.open(fileobj=blob) as tar:
            assert [one.name for one in tar if one.isfile()] == [path]
        assert notes["org.opencontainers.image.title"] == path.removeprefix("model/") + ".tar"


def test_a_volume_is_an_image_over_the_same_blobs(store, model):
    """With the configuration of an image, which runtimes ask for, and nothing that runs."""
    before = set(store.blobs)
    amd, arm = mountable(store, model.digest)

    manifest, config = read(store, amd), read(store, read(store, amd)["config"])
    artifact = read(store, model)
    assert [(one["digest"], one["size"]) for one in manifest["layers"]] == [
        (one["digest"], one["size"]) for one in artifact["layers"]
    ]
    assert {one["mediaType"] for one in manifest["layers"]} == {LAYER}
    assert "artifactType" not in manifest
    assert (config["os"], config["architecture"]) == ("linux", "amd64")
    assert config["rootfs"]["diff_ids"] == [one["digest"] for one in artifact["layers"]]
    assert config["config"] == {}
    assert len(config["history"]) == len(manifest["layers"])
    assert read(store, arm)["layers"] == manifest["layers"]
    assert sum(len(store.blobs[one]) for one in set(store.blobs) - before) < 8_000


def test_an_index_offers_to_each_platform_the_image_that_serves(store, model):
    """Whatever else is in it is for no machine."""
    images = [serving(store, model, name) for name in ("linux/amd64", "linux/arm64")]

    made = faces(store, model.digest, images)

    content = read(store, made.index)
    assert content["mediaType"] == made.index.media_type == INDEX
    found = [
        (one["annotations"][FACE], one["platform"]["architecture"], one["digest"])
        for one in content["manifests"]
    ]
    mounted = mountable(store, model.digest)
    assert found == [
        ("serving", "amd64", images[0].digest),
        ("serving", "arm64", images[1].digest),
        ("volume", "unknown", mounted[0].digest),
        ("volume", "unknown", mounted[1].digest),
        ("model", "unknown", model.digest),
    ]
    assert content["annotations"]["org.opencontainers.image.version"] == "3"
    for one in content["manifests"]:
        assert one["size"] == len(store.blobs[one["digest"]])
        assert set(one) == {"annotations", "digest", "mediaType", "platform", "size"}


def test_a_volume_is_picked_by_platform(store, model):
    """By an index of its own, with every platform over the same layers."""
    made = faces(store, model.digest, [serving(store, model, "linux/amd64")])

    entries = read(store, made.volume)["manifests"]
    assert [one["platform"] for one in entries] == [
        {"os": "linux", "architecture": "amd64"},
        {"os": "linux", "architecture": "arm64"},
    ]
    layers = [read(store, one)["layers"] for one in entries]
    assert layers[0] == layers[1]


def test_an_index_depends_on_its_parts_alone(store, model):
    """Not on their order, nor on when or how often it is made."""
    images = [serving(store, model, f"linux/{name}") for name in ("amd64", "arm64", "arm/v7")]

    made = {
        faces(store, model.digest, order).index.digest for order in itertools.permutations(images)
    }

    assert len(made) == 1
    assert made != {faces(store, model.digest, images[:1]).index.digest}


@pytest.mark.parametrize("names", [(), ("linux/amd64", "linux/amd64")])
def test_an_index_without_an_image_for_each_platform_is_refused(store, model, names):
    """A runtime would find none, or the wrong one."""
    with pytest.raises(PackageError, match="one image for each"):
        faces(store, model.digest, [serving(store, model, name) for name in names])


def test_what_is_no_model_is_not_mounted(store, model):
    """An image has no artifact's configuration."""
    image = serving(store, model, "linux/amd64")

    with pytest.raises(IntegrityError, match="not the artifact"):
        mountable(store, image.digest)


def test_volume_and_artifact_have_tags_of_their_own(store, model):
    """For those who ask for nothing else."""
    made = faces(store, model.digest, [serving(store, model, "linux/amd64")])

    assert made.beside("3") == {"3-model": made.model, "3-volume": made.volume}
    assert made.model.digest == model.digest
