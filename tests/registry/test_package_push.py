"""``sealift package --push`` from a project's folder."""

import subprocess
import sys

import msgspec
import pytest
from registry_images import make_image, plain

from sealift import packing
from sealift.errors import UsageError
from sealift.record.image import Image
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


def image_of(kept):
    """The record of an image for version 3 of a model."""
    return Image(
        digest=kept.digest,
        platform="linux/amd64",
        layers=(),
        lock=kept.digest,
        model=3,
        created=0.0,
    )


def test_an_image_goes_to_the_registry_of_the_project_under_its_version(server, tmp_path):
    """With the reports that stand beside it."""
    wired = project(tmp_path, f'[image]\nregistry = "{server.host}/team/flights"')
    kept = make_image(wired.store)
    make_image(wired.store, seed=2, sizes=(9,), subject=plain(kept))
    talk = Listener()

    target = packing.destination(wired, "")
    pushed = packing.push(wired, image_of(kept), target, progress=talk)

    assert pushed.reference == f"{server.host}/team/flights:3"
    assert server.tags == {("team/flights", "3"): kept.digest}
    assert pushed.referrers == 1
    assert talk.heard == [f"push: to {pushed.reference}"]
    assert msgspec.json.decode(msgspec.json.encode(pushed))["sent_blobs"] == 5


def test_a_reference_on_the_command_line_wins(server, tmp_path):
    """With a tag of one's own."""
    wired = project(tmp_path, '[image]\nregistry = "registry.example/team/flights"')
    kept = make_image(wired.store)

    target = packing.destination(wired, f"{server.host}/mine:candidate")
    packing.push(wired, image_of(kept), target, progress=Listener())

    assert set(server.tags) == {("mine", "candidate")}


def test_the_settings_of_the_project_are_kept_to(tmp_path):
    """Which registries speak plain HTTP is theirs to say."""
    with RegistryServer() as server:
        host = server.host.replace("127.0.0.1", "0.0.0.0")
        wired = project(tmp_path, f'[network]\ninsecure = ["{host}"]')
        kept = make_image(wired.store)

        packing.push(wired, image_of(kept), f"{host}/m", progress=Listener())

        assert set(server.tags) == {("m", "3")}


def test_without_a_registry_it_is_said_where_to_name_one(tmp_path):
    """In the file, or on the command line."""
    with pytest.raises(UsageError, match="No registry") as caught:
        packing.destination(project(tmp_path), "")

    assert "image.registry" in caught.value.remedy
    assert "--to" in caught.value.remedy


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
