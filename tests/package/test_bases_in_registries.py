"""A base in a registry: chosen by platform, kept by digest, mounted and not sent."""

import msgspec
import pytest
from test_bases import Far, system
from test_images import Talk, model

from sealift.adapters.registries.push import push
from sealift.adapters.stores.layout import Layout
from sealift.chapters import packing
from sealift.errors import PackageError
from sealift.record.image import INDEX, MANIFEST, Descriptor, Index
from sealift.testing.registry import RegistryServer
from sealift.wiring import Wired


@pytest.fixture
def server():
    """A registry in this process."""
    with RegistryServer() as running:
        yield running


def published(server, folder, *more):
    """An index of two images, pushed as team/base:1; the digests by processor."""
    store = Layout(folder / "layout", folder / "unpacked")
    images = {arch: Far(system(), *more, arch=arch).put(store) for arch in ("arm64", "amd64")}
    children = tuple(
        Descriptor(
            media_type=MANIFEST,
            digest=one,
            size=store.root.joinpath("blobs/sha256", one[7:]).stat().st_size,
            platform={"os": "linux", "architecture": arch},
        )
        for arch, one in images.items()
    )
    content = msgspec.json.encode(msgspec.to_builtins(Index(manifests=children)))
    push(store, store.put(content, INDEX).digest, f"{server.host}/team/base:1")
    return images


def project(root, server):
    """A project that stands on what the tag leads to, where nothing runs that could compile."""
    text = f'name = "flights"\n[image]\nbytecode = false\nbase = "{server.host}/team/base:1"\n'
    (root / "sealift.toml").write_text(text)
    return Wired(root)


def lost(wired):
    """Lose the layers of the base that are in the store."""
    for layer in wired.builder(Talk()).lock().foundation.layers:
        wired.store.root.joinpath("blobs/sha256", layer.descriptor.digest[7:]).unlink()


def test_a_tag_is_chosen_by_platform_and_kept_by_digest(world, server, tmp_path):
    """Wherever it leads later; the lock does not tell of the registry."""
    images = published(server, tmp_path / "far")
    wired = project(world, server)
    first = wired.builder(Talk()).step_image()
    assert wired.builder(Talk()).lock().foundation.image == images["amd64"]
    assert server.host not in (world / "sealift.lock").read_text()

    others = published(server, tmp_path / "later", {"more": b"x"})
    assert others["amd64"] != images["amd64"]
    lost(wired)
    assert Wired(world).builder(Talk()).step_image().digest == first.digest


def test_a_base_that_is_gone_is_told(world, server, tmp_path):
    """With its digest, and where it can still be had."""
    images = published(server, tmp_path / "far")
    wired = project(world, server)
    wired.builder(Talk()).step_image()
    lost(wired)
    server.manifests.clear()
    with pytest.raises(PackageError, match=f"{images['amd64']}, cannot be had") as caught:
        Wired(world).builder(Talk()).step_image()
    assert "image.registry" in caught.value.remedy


def test_the_layers_of_a_base_are_mounted_and_not_sent(world, server, tmp_path):
    """Within a registry: they are there already."""
    published(server, tmp_path / "far")
    wired = project(world, server)
    _, record = model(wired.store, tmp_path / "model")
    wired.ledger.save(record)
    image = wired.builder(Talk()).serving_image(record)
    pushed = packing.push(wired, [image], f"{server.host}/team/flights", progress=Talk())
    layer = image.layers[0].descriptor.digest
    assert ("team/flights", layer) in server.blobs
    asked = [one for one in server.seen if layer[7:] in one.path and one.method == "POST"]
    assert len(asked) == 1
    assert "from=team%2Fbase" in asked[0].path
    assert pushed.mounted_blobs == 1
