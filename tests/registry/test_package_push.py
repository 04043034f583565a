"""``sealift package --push`` from a project's folder."""

import json
import subprocess
import sys
import tarfile

import msgspec
import pytest
from registry_images import make_image, plain

from sealift import digest
from sealift.chapters import packing
from sealift.errors import UsageError
from sealift.package.artifact import model_layers, write_model
from sealift.package.image import serving_config, write
from sealift.record.contract import Contract
from sealift.record.image import Image
from sealift.record.launch import Launch
from sealift.record.lock import Variant
from sealift.record.model import Model, Origin
from sealift.testing.registry import RegistryServer
from sealift.wiring import Wired


class Listener:
    """Progress that remembers."""

    def __init__(self):
        self.heard = []

    def step(self, name, status):
        """Remember."""
        self.heard.append(f"{name}: {status}")

    def say(self, text):
        """Remember."""
        self.heard.append(text)


def project(tmp_path, text=""):
    """A project with these lines in its file."""
    (tmp_path / "sealift.toml").write_text(f'name = "flights"\n{text}\n')
    return Wired(tmp_path)


def packaged(wired, seed=1, origin=None, weights=9):
    """The record of an image for version 3 of a model, and the model itself with its weights."""
    folder = wired.folders.root / f"model-{seed}"
    folder.mkdir()
    for name in ("model.onnx", "model.json", "contract.json", "profile.json", "golden.json"):
        (folder / name).write_text(f"{name} {seed}")
    (folder / "model.onnx").write_text(f"{seed:0{weights}}")
    artifact = write_model(wired.store, folder, name="flights", version=3)
    wired.ledger.save(
        Model(
            name="flights",
            version=3,
            origin=origin,
            digest=artifact.digest,
            content=digest.of_tree(folder),
            run="r",
            created=0.0,
            task="regression",
            metrics={},
            contract=Contract(task="regression", target="t", fields=(), outputs=(), prediction="p"),
        )
    )
    layers = model_layers(wired.store, artifact.digest)
    kept = write(wired.store, serving_config(Variant(platform="linux/amd64"), layers, {}), layers)
    make_image(wired.store, seed=2, sizes=(9,), subject=plain(kept))
    return Image(
        digest=kept.digest,
        platform="linux/amd64",
        layers=layers,
        lock=kept.digest,
        model=3,
        created=0.0,
    )


def test_an_image_goes_to_the_registry_of_the_project_under_its_version(server, tmp_path):
    """In an index with the model's other faces, and the reports that stand beside it."""
    wired = project(tmp_path, f'[image]\nregistry = "{server.host}/team/flights"')
    image, talk = packaged(wired), Listener()

    target = packing.destination(wired, "")
    pushed = packing.push(wired, [image], target, progress=talk)

    made = packing.tie(wired, [image])
    assert pushed.reference == f"{server.host}/team/flights:3"
    assert {tag: kept for (_, tag), kept in server.tags.items() if len(tag) < 20} == {
        "3": made.index.digest,
        "3-volume": made.volume.digest,
        "3-model": made.model.digest,
    }
    assert pushed.digest == made.index.digest
    # what stands beside the image, and a signature for each of the three tags
    assert pushed.referrers == 1 + 3
    assert pushed.beside == {"3-volume": made.volume.digest, "3-model": made.model.digest}
    assert talk.heard == [f"push: to {pushed.reference}"]
    # five files of the model, once; two configurations of volumes, those of image and artifact;
    # a signature for each tag
    assert msgspec.json.decode(msgspec.json.encode(pushed))["sent_blobs"] == 5 + 2 + 2 + 2 + 3
    assert wired.store.resolve("flights:3-index") == made.index


def test_an_image_of_others_goes_as_it_came(server, tmp_path):
    """Under its own digest: its model is inside, and there is nothing to mount."""
    wired = project(tmp_path)
    launch = Launch(argv=("serve",))
    origin = Origin(reference="theirs:1", image=digest.of_bytes(b"x"), served="m", launch=launch)
    image = packaged(wired, origin=origin)

    pushed = packing.push(wired, [image], f"{server.host}/team/theirs", progress=Listener())

    assert pushed.digest == server.tags["team/theirs", "3"] == image.digest
    assert pushed.beside == {}


def test_a_reference_on_the_command_line_wins(server, tmp_path):
    """With a tag of one's own, after which the other faces are called too."""
    wired = project(tmp_path, '[image]\nregistry = "registry.example/team/flights"')
    image = packaged(wired)

    target = packing.destination(wired, f"{server.host}/mine:candidate")
    packing.push(wired, [image], target, progress=Listener())

    assert {("mine", f"candidate{face}") for face in ("", "-volume", "-model")} <= set(server.tags)


def test_what_an_earlier_push_sent_elsewhere_is_mounted(server, tmp_path):
    """To another repository of the same registry; what is small is sent sooner than asked for."""
    wired = project(tmp_path)
    image = packaged(wired, weights=2 << 20)

    packing.push(wired, [image], f"{server.host}/one", progress=Listener())
    pushed = packing.push(wired, [image], f"{server.host}/two", progress=Listener())

    assert (pushed.sent_blobs, pushed.mounted_blobs) == (13, 1)
    assert pushed.sent_bytes < 1 << 20
    asked = [one.path for one in server.seen if "mount=" in one.path]
    assert [path.partition("mount=")[2][:20] for path in asked] == [
        f"sha256%3A{image.layers[0].descriptor.digest[7:18]}"
    ]
    note = json.loads((tmp_path / "cache" / "repositories.json").read_text())
    assert note == {server.host: ["two", "one"]}


@pytest.mark.parametrize("content", ["", "[1]", '{"%s": 3}'])
def test_a_broken_note_of_repositories_spoils_no_push(server, tmp_path, content):
    """It is made anew."""
    wired = project(tmp_path)
    image = packaged(wired)
    (tmp_path / "cache").mkdir()
    note = tmp_path / "cache" / "repositories.json"
    note.write_text(content.replace("%s", server.host))

    packing.push(wired, [image], f"{server.host}/one", progress=Listener())

    assert json.loads(note.read_text()) == {server.host: ["one"]}


def test_the_settings_of_the_project_are_kept_to(tmp_path):
    """Which registries speak plain HTTP is theirs to say."""
    with RegistryServer() as server:
        host = server.host.replace("127.0.0.1", "0.0.0.0")
        wired = project(tmp_path, f'[network]\ninsecure = ["{host}"]')

        packing.push(wired, [packaged(wired)], f"{host}/m", progress=Listener())

        assert ("m", "3") in server.tags


ENVIRONMENT = '[environments.{}]\nengine = "kubernetes"\nregistry = "{}"\n'


def test_images_go_where_the_environments_pull_them_from(tmp_path):
    """Where that is one place and the project file names no other; several have to be chosen of."""
    one = "".join(ENVIRONMENT.format(name, "r.example/a") for name in ("staging", "production"))
    assert packing.destination(project(tmp_path, one), "") == "r.example/a"
    both = f'[image]\nregistry = "r.example/own"\n{one}'
    assert packing.destination(project(tmp_path, both), "") == "r.example/own"

    two = one + ENVIRONMENT.format("elsewhere", "r.example/b")
    with pytest.raises(
        UsageError, match=r"several registries: r\.example/a, r\.example/b"
    ) as caught:
        packing.destination(project(tmp_path, two), "")
    assert "--to" in caught.value.remedy


def test_without_a_registry_it_is_said_where_to_name_one(tmp_path):
    """In the file, or on the command line."""
    with pytest.raises(UsageError, match="No registry") as caught:
        packing.destination(project(tmp_path), "")

    assert "image.registry" in caught.value.remedy
    assert "--to" in caught.value.remedy


@pytest.mark.parametrize(
    ("registry", "target", "name"),
    [
        ("", "", "docker.io/library/flights:3"),
        ("registry.example/team/flights", "", "registry.example/team/flights:3"),
        ("registry.example/team/flights", "r.example/mine:candidate", "r.example/mine:candidate"),
    ],
)
def test_an_archive_is_called_as_the_image_in_its_registry(tmp_path, registry, target, name):
    """Else by the project; whoever loads it finds it under that name."""
    wired = project(tmp_path, f'[image]\nregistry = "{registry}"' if registry else "")
    image = packaged(wired)

    called = packing.called(wired, image, target)
    saved = packing.archive(wired, image, called, tmp_path / "it.tar", progress=Listener())

    assert saved.name == name
    assert saved.size == (tmp_path / "it.tar").stat().st_size
    with tarfile.open(tmp_path / "it.tar") as tar:
        assert json.load(tar.extractfile("manifest.json"))[0]["RepoTags"] == [name]


@pytest.mark.parametrize("words", [("--push",), ("--to", "https://r.example/x")])
def test_a_wrong_destination_is_refused_before_anything_is_built(tmp_path, words):
    """By the real command, with the exit code of a wrong command line."""
    project(tmp_path)

    done = subprocess.run(
        [sys.executable, "-m", "sealift", "package", *words],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )

    assert done.returncode == 2, done.stderr.decode()
    assert b"next:" in done.stderr
    assert not (tmp_path / ".sealift" / "layout").exists()
