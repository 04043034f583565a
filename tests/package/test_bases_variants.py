"""Images for another processor, and for graphics cards, on a base of others."""

import pytest
from archives import wheel
from compilers import compiling
from elves import library
from test_bases import Far, system
from test_images import Talk

from sealift.adapters.stores.layout import Layout
from sealift.errors import ProjectError
from sealift.folders import Folders
from sealift.package.builder import Builder
from sealift.record.image_settings import ImageSettings
from sealift.record.lock import Variant
from sealift.record.project import Project

LOADER = "lib/ld-linux-aarch64.so.1"


def arm():
    """The files of the same distribution for the other processor."""
    names = ("libc.so.6", "GLIBC_2.17", "GLIBC_2.36")
    libc = library(soname="libc.so.6", defines=names, machine="arm64")
    program = library("libc.so.6", interpreter=f"/{LOADER}", machine="arm64")
    found = {name: one for name, one in system().items() if "x86" not in name}
    return {
        **found,
        "usr/bin/python3.13": program,
        LOADER: libc,
        "lib/aarch64-linux-gnu/libc.so.6": libc,
    }


@pytest.fixture
def building(world):
    """Gives the builder of a variant; the base is an index of two images."""
    folders = Folders(world)
    store = Layout(folders.layout, folders.unpacked)
    images = {
        "linux/amd64": Far(system()).put(store),
        "linux/arm64": Far(arm(), arch="arm64").put(store),
    }

    def fetch(_reference, platform, _wanted):
        return images[platform]

    def make(variant, **settings):
        image = ImageSettings(**{"base": "team/base:1", **settings})
        project = Project(name="flights", image=image)
        return Builder(project, folders, store, Talk(), compiling, variant, fetch=fetch)

    return make


def base(image):
    """The layers of others in an image."""
    return [one.diff_id for one in image.layers if one.role == "base" and one.holds != "fittings"]


def test_each_platform_stands_on_the_image_for_it(building):
    """Put together on one machine, with the same wheels where they fit both."""
    here = building(Variant(platform="linux/amd64"))
    there = building(Variant(platform="linux/arm64"))
    first, second = here.serving_image(None), there.serving_image(None)
    assert (first.platform, second.platform) == ("linux/amd64", "linux/arm64")
    assert base(first) != base(second)
    assert here.lock().foundation.image != there.lock().foundation.image
    assert here.lock().runtime == there.lock().runtime


def test_an_image_for_a_card_stands_on_the_base_of_the_other(building, wheels):
    """With the same layers below, and the runtime for CUDA above."""
    wheel(wheels, "onnxruntime_gpu", version="1.23", needs=["numpy"])
    plain = building(Variant(platform="linux/amd64")).serving_image(None)
    card = building(Variant(platform="linux/amd64", accelerator="cuda"))
    image = card.serving_image(None)
    assert base(image) == base(plain)
    assert image.accelerator == "cuda"
    assert any(one.startswith("onnxruntime-gpu==") for one in card.lock().runtime)


def test_a_base_that_lacks_the_platforms_python_is_told(building):
    """In the words of the setting, whichever platform it is."""
    with pytest.raises(ProjectError, match=r"no Python 3\.12"):
        building(Variant(platform="linux/arm64"), python="3.12").lock()
