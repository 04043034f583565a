"""What packages came to is written into the lock, and can be had when the packages are gone."""

import json

import pytest
from test_images import builder, copy, roles

from sealift.adapters.registries.depot import RegistryDepot
from sealift.adapters.registries.push import push
from sealift.adapters.registries.session import Access
from sealift.errors import SourceError
from sealift.testing.registry import RegistryServer


@pytest.fixture
def elsewhere(world, archive, monkeypatch, tmp_path):
    """Another machine with the project and its lock, after all packages have gone."""

    def move():
        folder = copy(world, "elsewhere")
        archive.folder.rename(archive.folder.with_name("gone"))
        monkeypatch.setenv("SEALIFT_CACHE", str(tmp_path / "empty"))
        monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "empty-uv"))
        monkeypatch.setenv("UV_DEFAULT_INDEX", f"file://{tmp_path / 'no-index'}")
        return folder

    return move


def results(world):
    """Role and layers of what the lock says was made."""
    whole = json.loads((world / "sealift.lock").read_text())
    return {one["role"]: len(one["layers"]) for one in whole["results"]}


def test_the_lock_says_what_its_packages_came_to(world):
    """All but the server, which is not made of them; it does not change from build to build.

    Of wheels without spare files it says that they came to no such layer.
    """
    build, _, _ = builder(world)
    build.step_image()
    build.serving_image(None)
    told = {"base": 1, "packages": 1, "runtime": 1, "shell": 1, "spare": 0}
    assert results(world) == told
    text = (world / "sealift.lock").read_text()
    assert "reused" not in text
    build.step_image()
    builder(world)[0].serving_image(None)
    assert (world / "sealift.lock").read_text() == text


def test_layers_whose_packages_are_gone_come_from_the_registry(world, elsewhere):
    """By the digests in the lock; the image is the same."""
    build, store, _ = builder(world)
    made = build.step_image()
    with RegistryServer() as server:
        push(store, made.digest, f"{server.host}/team/flights:steps")
        folder = elsewhere()
        plain, _, _ = builder(folder)
        with pytest.raises(SourceError):
            plain.step_image()
        depot = RegistryDepot(f"{server.host}/team/flights", Access())
        again, there, talk = builder(folder, depot=depot)
        image = again.step_image()
    assert image.digest == made.digest
    assert all(layer.reused for layer in image.layers)
    assert any("base layer is taken as sealift.lock names it" in text for _, text in talk.steps)
    assert (there.rootfs(image.digest) / "usr/bin/python3.13").exists()


def test_layers_of_another_sealift_are_as_good_as_its_own(world, elsewhere):
    """When packages are gone: the lock names them by what they were made of, not by whose code."""
    build, store, _ = builder(world)
    made = build.step_image()
    path = world / "sealift.lock"
    whole = json.loads(path.read_text())
    for one in whole["results"]:
        one["code"] = "sha256:" + "0" * 64
    path.write_text(json.dumps(whole))
    with RegistryServer() as server:
        push(store, made.digest, f"{server.host}/team/flights:steps")
        folder = elsewhere()
        depot = RegistryDepot(f"{server.host}/team/flights", Access())
        again, _, _ = builder(folder, depot=depot)
        assert again.step_image().digest == made.digest


def test_another_sealift_that_makes_the_same_changes_no_lock(world):
    """Whoever upgrades last would have to commit it else; other bytes are noted, unasked."""
    builder(world)[0].step_image()
    path = world / "sealift.lock"
    whole = json.loads(path.read_text())
    whole["results"][0]["code"] = "sha256:" + "0" * 64
    path.write_text(json.dumps(whole))
    text = path.read_text()
    builder(world)[0].step_image()
    assert path.read_text() == text
    whole["results"][0]["layers"][0] |= {"diff_id": "sha256:" + "1" * 64}
    whole["results"][0]["layers"][0]["descriptor"]["digest"] = "sha256:" + "1" * 64
    path.write_text(json.dumps(whole))
    build, _, talk = builder(world)
    build.step_image()
    assert not any("came out different" in text for _, text in talk.steps)
    assert "sha256:" + "1" * 64 not in path.read_text()


def test_a_registry_that_lacks_them_changes_nothing(world, elsewhere):
    """The error is that of the packages."""
    builder(world)[0].step_image()
    with RegistryServer() as server:
        folder = elsewhere()
        build, _, _ = builder(folder, depot=RegistryDepot(f"{server.host}/team/flights", Access()))
        with pytest.raises(SourceError, match=r"base-files 1\.0"):
            build.step_image()


def test_it_is_said_when_the_same_packages_come_to_other_bytes(world):
    """Which never happens, unless somebody changed the lock, or Sealift is at fault."""
    builder(world)[0].step_image()
    path = world / "sealift.lock"
    whole = json.loads(path.read_text())
    base = next(one for one in whole["results"] if one["role"] == "base")
    base["layers"][0]["diff_id"] = "sha256:" + "0" * 64
    path.write_text(json.dumps(whole))
    build, _, talk = builder(world)
    assert roles(build.step_image())[0] == "base"
    assert any("base layer came out different" in text for _, text in talk.steps)
