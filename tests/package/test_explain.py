"""An image is explained: what is in it, how large it is, and why it is not the one before."""

import msgspec
import pytest
from archives import wheel
from test_images import builder, model

from sealift.package import apart, attached
from sealift.package.contents import Reader
from sealift.package.explain import explain


@pytest.fixture
def told(world, tmp_path):
    """Explains the image of a project as it is now."""
    known = []

    def tell(version=1, **settings):
        build, store, _ = builder(world, **settings)
        _, record = model(store, tmp_path / f"model{version}", version)
        image = build.serving_image(record)
        lock = attached.find(image.lock, store)
        reader = Reader(store, tmp_path / "contents")
        contents = [reader.contents(layer) for layer in image.layers]
        explained = explain(image, lock, contents, known[-1] if known else None)
        known.append((image, lock))
        return explained

    return tell


def states(told):
    """The state of each layer that is not part of the model."""
    return {one.layer: one.state for one in told.layers if not one.layer.startswith("model")}


def reasons(told):
    """Why layers changed."""
    return {one.layer: one.because for one in told.layers if one.because}


def test_the_first_image_is_new(told):
    """With the sizes of its packages, the largest first."""
    first = told()
    assert first.since is None
    assert set(states(first).values()) == {"new"}
    assert reasons(first) == {}
    sizes = [one.unpacked for one in first.packages]
    assert sizes == sorted(sizes, reverse=True)
    of = {one.name: one for one in first.packages}
    assert of["numpy"].layer == "runtime"
    assert of["numpy"].unpacked > len("VERSION = '2.2'\n")
    assert of["libc6"].layer == "base"
    assert first.fresh == first.size > 0
    assert msgspec.json.encode(first)


def test_another_model_is_the_reason_where_only_that_changed(told):
    """All else is the same, and nothing else has to be sent."""
    told()
    second = told(version=2)
    assert set(states(second).values()) == {"same"}
    assert set(reasons(second).values()) == {("model 2 instead of 1",)}
    assert second.fresh == sum(one.size for one in second.layers if one.layer.startswith("model"))


def test_packages_that_changed_are_named(told, world, wheels):
    """With both versions; those that came and went too."""
    told()
    wheel(wheels, "click", version="8.2")
    wheel(wheels, "httptools", version="3.0", needs=["click", "pebble"])
    wheel(wheels, "pebble")
    (world / "requirements.txt").write_text("forest \n")
    second = told()
    assert states(second)["base"] == "same"
    assert reasons(second) == {
        "runtime": ("click 1.0 -> 8.2", "httptools 2.9 -> 3.0", "pebble 1.0 is new")
    }


def test_a_package_that_gets_a_layer_of_its_own_is_told(told, world, wheels):
    """And one that leaves the image."""
    told()
    big = {"numpy/weight.bin": "x" * apart.LARGE}
    wheel(wheels, "numpy", version="2.2.1", files=big)
    (world / "requirements.txt").write_text("forest # again\n")
    second = told()
    assert states(second)["runtime numpy"] == "new"
    assert reasons(second)["runtime"] == ("numpy 2.2 is gone",)
    assert reasons(second)["runtime numpy"] == ("numpy 2.2 -> 2.2.1",)
    wheel(wheels, "numpy", version="2.2.2")
    (world / "requirements.txt").write_text("forest # and again\n")
    third = told()
    assert third.gone == ("runtime numpy",)


def test_further_debian_packages_are_told(told, archive):
    """A layer of its own comes and goes."""
    archive.add("libextra1", {"usr/lib/extra": b"x" * 500})
    archive.publish()
    told()
    second = told(debian=["libextra1"])
    assert states(second)["debian"] == "new"
    assert reasons(second)["debian"] == ("libextra1 1.0 is new",)
    assert {one.name: one.unpacked for one in second.packages}["libextra1"] == 500
    assert told().gone == ("debian",)


def test_bytecode_that_images_did_not_have_is_no_change_of_modules(told):
    """The setting is the reason; so it is where that went off again."""
    told(bytecode=False)
    assert reasons(told()) == dict.fromkeys(
        ("bytecode", "bytecode server"), ("image.bytecode is on by now",)
    )
    assert told(bytecode=False).gone == ("bytecode", "bytecode server")
