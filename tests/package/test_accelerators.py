"""Images for graphics cards come from the same lock, and share what they can."""

import json

import pytest
from archives import wheel
from test_images import builder, config, model

from sealift.errors import PackageError
from sealift.package import locking
from sealift.package.index import faces
from sealift.record.lock import Variant

HERE = locking.here()
CARD = Variant(platform=HERE, accelerator="cuda")


@pytest.fixture
def cards(world, wheels):
    """A project; the index has what the server needs on a card."""
    for version in ("1.23", "1.24"):
        wheel(wheels, "onnxruntime_gpu", version=version, needs=["numpy", "nvidia-cublas"])
    wheel(wheels, "nvidia_cublas")
    return world


def names(lock):
    """The wheels of a server, with their versions."""
    return {line.split()[0] for line in lock.runtime}


def test_the_lock_for_a_card_has_the_versions_of_the_other(cards, wheels):
    """The runtime of the same version, although there is a newer one; nothing for steps."""
    plain = builder(cards)[0].lock()
    wheel(wheels, "httptools", version="3.0")
    card = builder(cards, CARD)[0].lock()
    shared = {
        *("click==1.0", "flatbuffers==25.9", "hpack==9.0", "httptools==2.9"),
        *("msgspec==0.30", "numpy==2.2", "pysimdjson==7.1"),
    }
    assert names(plain) == {*shared, "onnxruntime==1.23"}
    assert {one.replace("_", "-") for one in names(card)} == {
        *shared,
        "nvidia-cublas==1.0",
        "onnxruntime-gpu==1.23",
    }
    assert card.base == plain.base
    assert card.packages == card.shell == ()
    whole = json.loads((cards / "sealift.lock").read_text())["platforms"]
    assert [one.get("accelerator") for one in whole] == [None, "cuda"]
    assert builder(cards)[0].lock() == plain
    assert builder(cards, CARD)[0].lock() == card


def test_a_new_lock_makes_that_for_the_card_anew(cards):
    """It is made from the other one."""
    before = builder(cards, CARD)[0].lock()
    (cards / "requirements.txt").write_text("forest\nclick<1\n")
    after = builder(cards, CARD)[0].lock()
    assert before != after
    assert "click==0.9" in names(after)


def test_the_image_for_a_card_shares_base_and_model(cards, tmp_path):
    """With the server; the wheels and their bytecode are its own.

    It asks the engine for the driver, and has an index of its own, since platforms are equal.
    """
    build, store, _ = builder(cards)
    _, record = model(store, tmp_path / "model")
    plain = build.serving_image(record)
    card = builder(cards, CARD)[0].serving_image(record)
    assert (plain.accelerator, card.accelerator) == ("cpu", "cuda")
    shared = {one.descriptor.digest for one in plain.layers} & {
        one.descriptor.digest for one in card.layers
    }
    unlike = [one for one in card.layers if one.descriptor.digest not in shared]
    assert [(one.role, one.holds) for one in unlike] == [("runtime", ""), ("bytecode", "")]
    assert "NVIDIA_VISIBLE_DEVICES=all" in config(store, card)["config"]["Env"]
    assert not any("NVIDIA" in one for one in config(store, plain)["config"]["Env"])
    assert store.resolve("flights:1").digest == plain.digest
    made = faces(store, record.digest, [card, plain])
    assert set(made.beside("1")) == {"1-cuda", "1-model", "1-volume"}
    with store.open(made.index.digest) as blob:
        assert json.load(blob)["manifests"][0]["digest"] == plain.digest
    with store.open(made.others["cuda"].digest) as blob:
        assert json.load(blob)["manifests"][0]["digest"] == card.digest
    alone = faces(store, record.digest, [card])
    assert alone.index.digest == made.others["cuda"].digest


def test_a_platform_without_such_packages_is_told(world):
    """With what to change."""
    with pytest.raises(PackageError, match="for CUDA cannot be had") as caught:
        builder(world, CARD)[0].lock()
    assert "image.accelerators" in caught.value.remedy
