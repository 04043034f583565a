"""Images for other processors are put together here, without running anything of them."""

import json

import pytest
from archives import wheel
from test_images import builder, config, model

from sealift.errors import ProjectError
from sealift.package import elf, locking
from sealift.package.linker import MACHINES
from sealift.record import lock as locks
from sealift.record.lock import Variant

HERE = locking.here()
OTHER = "linux/arm64" if HERE == "linux/amd64" else "linux/amd64"
ARCH = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}


@pytest.fixture
def both(world, archive, wheels):
    """A project whose packages can be had for both platforms; one wheel differs."""
    archive.publish(arches=("amd64", "arm64"))
    for platform in (HERE, OTHER):
        tag = f"cp313-cp313-manylinux_2_28_{ARCH[platform]}"
        wheel(wheels, "msgspec", version="0.40", tag=tag, files={"msgspec/cpu": platform})
    return world


def machine(path):
    """The processor that an ELF file is for; it needs no library, and no version of one."""
    with path.open("rb") as file:
        found = elf.read(file)
    assert (found.kind, found.needed, found.wants) == ("library", (), {})
    return found.machine


def test_each_platform_has_its_own_packages_in_one_lock(both):
    """Wheels and Debian packages for its processor; one file holds both."""
    here, there = builder(both)[0].lock(), builder(both, Variant(platform=OTHER))[0].lock()
    assert (here.platform, there.platform) == (HERE, OTHER)
    assert {deb.arch for deb in here.base} == {"amd64"}
    mine = next(line for line in here.runtime if line.startswith("msgspec=="))
    theirs = next(line for line in there.runtime if line.startswith("msgspec=="))
    assert mine.split()[0] == theirs.split()[0]
    assert mine != theirs
    text = (both / "sealift.lock").read_bytes()
    assert [one.platform for one in locks.decode(text).platforms] == ["linux/amd64", "linux/arm64"]
    assert builder(both)[0].lock() == here
    assert (both / "sealift.lock").read_bytes() == text


def test_the_images_are_for_their_platforms(both, tmp_path):
    """Configuration and files; the layers of the model are the same blobs."""
    here, store, _ = builder(both)
    there, _, _ = builder(both, Variant(platform=OTHER))
    _, record = model(store, tmp_path / "model")
    images = [here.serving_image(record), there.serving_image(record)]
    assert [config(store, one)["architecture"] for one in images] == [
        HERE.partition("/")[2],
        OTHER.partition("/")[2],
    ]
    for image, platform in zip(images, (HERE, OTHER), strict=True):
        root = store.rootfs(image.digest)
        place = root / "usr/local/lib/python3.13/dist-packages/msgspec/cpu"
        assert place.read_text() == platform
        compiled = (root / "opt/sealift/sealift/serve").glob("*.so")
        assert {machine(one) for one in compiled} == {MACHINES[platform].elf}
    assert store.resolve("flights:1").digest == images[0].digest
    models = [{one.descriptor.digest for one in i.layers if one.role == "model"} for i in images]
    assert models[0] == models[1]


def test_versions_of_one_platform_are_those_of_the_other(both, wheels):
    """Although newer ones came in between."""
    here = builder(both)[0].lock()
    wheel(wheels, "forest", version="2.0")
    there = builder(both, Variant(platform=OTHER))[0].lock()
    assert here.packages[0].split()[0] == there.packages[0].split()[0] == "forest==1.0"


def test_a_version_that_is_not_there_for_a_platform_is_said(both, wheels):
    """That platform gets another one."""
    wheel(wheels, "granite", version="2.0", tag=f"cp313-cp313-manylinux_2_28_{ARCH[HERE]}")
    wheel(wheels, "granite", version="1.0", tag=f"cp313-cp313-manylinux_2_28_{ARCH[OTHER]}")
    (both / "requirements.txt").write_text("granite\n")
    assert builder(both)[0].lock().packages[0].startswith("granite==2.0")
    build, _, talk = builder(both, Variant(platform=OTHER))
    assert build.lock().packages[0].startswith("granite==1.0")
    assert any("which gets others" in text for _, text in talk.steps)


def test_a_lock_of_the_format_before_is_read(world):
    """It counts for its platform, and is written in the new format once something changes."""
    made = builder(world)[0].lock()
    whole = json.loads((world / "sealift.lock").read_text())
    old = {"format": 1, **whole["platforms"][0]}
    (world / "sealift.lock").write_text(json.dumps(old))
    assert builder(world)[0].lock() == made
    assert json.loads((world / "sealift.lock").read_text()) == old


def test_a_lock_of_a_newer_format_is_refused(world):
    """With what to do."""
    (world / "sealift.lock").write_text('{"format": 99, "platforms": "unknown"}')
    with pytest.raises(ProjectError, match="newer Sealift"):
        builder(world)[0].lock()
