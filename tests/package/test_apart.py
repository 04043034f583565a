"""Large wheels have layers of their own, whatever lies beside them."""

import pytest
from archives import wheel
from test_images import builder

from sealift.package import apart

BIG = "x" * (apart.LARGE + 1)


@pytest.fixture
def heavy(world, wheels):
    """A project with one large wheel and small ones."""
    wheel(wheels, "boulder", script=True, files={"boulder/weight.bin": BIG})
    (world / "requirements.txt").write_text("forest\nboulder\n")
    return world


def named(image):
    """Role and content of each layer of wheels."""
    return [(one.role, one.holds) for one in image.layers if one.role in ("runtime", "packages")]


def test_a_large_wheel_has_a_layer_of_its_own(heavy):
    """With its script and its metadata; the small ones share another."""
    build, store, _ = builder(heavy)
    image = build.step_image()
    assert named(image) == [("runtime", ""), ("packages", "boulder"), ("packages", "")]
    root = store.rootfs(image.digest)
    packages = root / "usr/local/lib/python3.13/dist-packages"
    assert (root / "usr/local/bin/boulder").is_file()
    assert (packages / "boulder/weight.bin").stat().st_size == len(BIG)
    assert (packages / "boulder-1.0.dist-info/METADATA").is_file()
    assert (packages / "forest/__init__.py").is_file()


def test_its_layer_is_the_same_beside_other_wheels(heavy, wheels):
    """So that images with other small packages share it."""
    build, _, _ = builder(heavy)
    before = build.step_image()
    wheel(wheels, "pebble")
    (heavy / "requirements.txt").write_text("pebble\nboulder\n")
    after = build.step_image()
    of = {one.holds: one.descriptor.digest for one in before.layers if one.role == "packages"}
    now = {one.holds: one.descriptor.digest for one in after.layers if one.role == "packages"}
    assert of["boulder"] == now["boulder"]
    assert of[""] != now[""]


def test_all_layers_of_wheels_are_found_again(heavy):
    """As long as the store has each of them."""
    build, store, _ = builder(heavy)
    image = build.step_image()
    assert all(one.reused for one in build.step_image().layers)
    lost = next(one for one in image.layers if one.holds == "boulder")
    (store.root / "blobs/sha256" / lost.descriptor.digest[7:]).unlink()
    again = build.step_image()
    assert again.digest == image.digest
    assert store.has(lost.descriptor.digest)


def test_an_image_has_a_bounded_number_of_layers():
    """The largest wheels get their own."""
    sizes = {f"w{size}": size * apart.LARGE for size in range(1, 40)}
    chosen = apart.chosen(sizes)
    assert len(chosen) == apart.MOST
    assert "w39" in chosen
    assert "w1" not in chosen
