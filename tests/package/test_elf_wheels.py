"""The proof on real wheels and the real distribution, for both platforms."""

import pytest

from sealift import archive
from sealift.archive import stream
from sealift.folders import downloads
from sealift.network.network import Network
from sealift.package import base, inventory, locking, pool, resolve, sonames, sources, uv, wheels
from sealift.package.closure import prove
from sealift.package.fetch import Fetcher
from sealift.package.filetree import FileTree
from sealift.package.layer import sorted_entries
from sealift.package.linker import MACHINES
from sealift.package.release import catalogue
from sealift.record.image import LAYER
from sealift.record.image_settings import ImageSettings

pytestmark = pytest.mark.network


class Quiet:
    """Says nothing."""

    def step(self, name, status):
        """A piece of work."""

    def say(self, text):
        """A line."""


def taken(entries, folder):
    """The inventory of a layer of these entries."""
    return inventory.take(stream(archive.pack(sorted_entries(entries))), LAYER, folder)


def offers(arch):
    """What the distribution offers for an architecture."""
    settings = ImageSettings()
    with Fetcher(downloads() / "debs", Network()) as fetcher:
        return catalogue(sources.mirror(Network()), settings.suite, arch, fetcher)


@pytest.fixture(scope="session")
def bases(tmp_path_factory):
    """The inventory of the real base, and its packages, by platform."""
    made = {}
    for platform in MACHINES:
        seeds = (*resolve.BASE, *resolve.python("3.13"))
        debs = resolve.closure(seeds, offers(platform.partition("/")[2]))
        found = pool.load(debs, Network(), Quiet())
        folder = tmp_path_factory.mktemp("base")
        made[platform] = taken(base.base_entries(found, "3.13"), folder), debs
    return made


def proof(bases, platform, requirements, folder, without=()):
    """The proof of the base with wheels above it, without what these wheels require."""
    below, debs = bases[platform]
    asked = folder / "asked.txt"
    asked.write_text("\n".join(requirements))
    target = locking.wheel_target("3.13", platform, debs)
    lines = uv.compile_lock([asked], target, Network())
    names = {inventory.normal(name) for name in requirements}
    lines = [line for line in lines if inventory.normal(line.partition("==")[0]) in names]
    above = taken(wheels.unpack(lines, target, Network(), folder), folder)
    hidden = [f"usr/lib/{MACHINES[platform].triplet}/.wh.{name}" for name in without]
    layers = [below, inventory.Inventory(files=tuple(hidden)), above]
    return prove(FileTree(layers), MACHINES[platform])


GOOD = ("opencv-python-headless", "scikit-learn", "scipy", "numpy", "pandas", "onnxruntime")
FURTHER = ("pyarrow", "lightgbm", "numba", "llvmlite", "psycopg2-binary", "pillow", "lxml")


@pytest.mark.parametrize("platform", MACHINES)
def test_usual_wheels_are_complete(bases, tmp_path, platform):
    """On both platforms, whatever this machine is; libgomp comes with the base."""
    found = proof(bases, platform, (*GOOD, *FURTHER), tmp_path)
    assert found.findings == ()
    assert found.files > 700


def test_what_the_base_brings_is_what_makes_them_complete(bases, tmp_path):
    """Without its libgomp, a wheel that expects one is refused."""
    found = proof(bases, "linux/amd64", ["lightgbm"], tmp_path, without=["libgomp.so.1"])
    assert [(one.owner.partition(" ")[0], one.lacks) for one in found.findings] == [
        ("lightgbm", "libgomp.so.1")
    ]


@pytest.mark.parametrize("platform", MACHINES)
def test_a_wheel_that_wants_a_screen_is_refused(bases, tmp_path, platform):
    """With the packages that bring what it lacks."""
    found = proof(bases, platform, ["opencv-python", "numpy"], tmp_path)
    lacks = {finding.lacks for finding in found.findings}
    assert {finding.owner.partition(" ")[0] for finding in found.findings} == {"opencv-python"}
    assert "libGL.so.1" in lacks
    assert sonames.package_of("libGL.so.1") == "libgl1"
    assert all(sonames.package_of(name) for name in lacks), lacks


def test_every_package_that_is_suggested_can_be_had():
    """In the release that is the default, on both platforms, with all that it needs."""
    for platform in MACHINES:
        there = offers(platform.partition("/")[2])
        for package in sorted(set(sonames.all_packages().values())):
            # numbers of 128 bits are software on x86 and hardware's own elsewhere
            if (package, platform) != ("libquadmath0", "linux/arm64"):
                assert resolve.closure([package], there)
