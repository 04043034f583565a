"""Images whose libraries do not all load are refused before there is an image."""

import json

import pytest
from archives import wheel
from elves import library
from test_images import Talk, builder, roles

from sealift.adapters.stores.layout import Layout
from sealift.archive import Entry
from sealift.errors import NotFoundError, PackageError, ProjectError
from sealift.package import control, layer
from sealift.package.prover import Prover
from sealift.record.image_settings import ImageSettings

LIB = "usr/lib/x86_64-linux-gnu"


@pytest.fixture
def needy(world, archive, wheels, monkeypatch):
    """A world where the wheel ``forest`` needs libleaf.so.1, which the package libleaf1 brings."""
    module = library("libleaf.so.1", wants={"libleaf.so.1": ["LEAF_1"]})
    files = {"forest/tree.abi3.so": module.decode("latin-1")}
    wheel(wheels, "forest", version="2.0", needs=["numpy<2.3"], files=files)
    leaf = {
        f"{LIB}/libleaf.so.1.0": library("libsap.so.2", soname="libleaf.so.1", defines=["LEAF_1"]),
        f"{LIB}/libleaf.so.1": ("libleaf.so.1.0",),
    }
    archive.add("libleaf1", leaf, control="Depends: libsap2\n")
    archive.add("libsap2", {f"{LIB}/libsap.so.2": library(soname="libsap.so.2")})
    archive.publish()
    return world


def steps(talk):
    """What was said of libraries."""
    return [status for name, status in talk.steps if name == "libraries"]


def test_a_missing_library_is_told_and_no_image_is_kept(needy):
    """With the wheel, the file, the library, and Debian's likely name for its package."""
    build, store, _ = builder(needy)
    with pytest.raises(PackageError, match=r"forest 2\.0: forest/tree\.abi3\.so needs") as caught:
        build.step_image()
    assert "libleaf.so.1" in caught.value.what
    assert "libleaf1" in caught.value.what
    assert "image.absent" in caught.value.remedy
    with pytest.raises(NotFoundError):
        store.resolve("flights:steps")
    assert roles(build.serving_image(None)) == ["base", "runtime", "server"]


def test_the_remedy_works_in_both_images(needy):
    """A layer of its own, with what the packages need; locked."""
    build, store, _ = builder(needy, debian=["libleaf1"])
    image, served = build.step_image(), build.serving_image(None)
    assert roles(image) == ["base", "debian", "shell", "runtime", "packages"]
    assert roles(served) == ["base", "debian", "runtime", "server"]
    assert image.layers[1].descriptor == served.layers[1].descriptor
    (lock,) = json.loads((needy / "sealift.lock").read_text())["platforms"]
    locked = lock["debian"]
    assert [deb["name"] for deb in locked] == ["libleaf1", "libsap2"]
    assert (store.rootfs(image.digest) / LIB / "libleaf.so.1").exists()
    assert builder(needy, debian=["libleaf1"])[0].step_image().digest == image.digest


def test_the_setting_decides_over_the_lock(needy):
    """A change of it locks anew; without it a lock says nothing of it."""
    assert "debian" not in _locked(needy)
    assert "debian" in _locked(needy, debian=["libleaf1"])


def _locked(project, **settings):
    builder(project, **settings)[0].lock()
    (lock,) = json.loads((project / "sealift.lock").read_text())["platforms"]
    return lock


def test_what_is_never_loaded_may_be_absent(needy):
    """By the name of the file."""
    assert builder(needy, absent=["libleaf.so.1"])[0].step_image()


def test_a_version_that_the_distribution_does_not_have_is_told(needy, archive):
    """The newest package that there is lacks it."""
    old = library("libsap.so.2", soname="libleaf.so.1", defines=["LEAF_0"])
    archive.add("libleaf1", {f"{LIB}/libleaf.so.1": old}, version="1.1")
    archive.publish()
    with pytest.raises(PackageError, match=r"needs LEAF_1, which the image's libleaf\.so\.1"):
        builder(needy, debian=["libleaf1", "libsap2"])[0].step_image()


def test_a_damaged_library_is_told(needy, wheels):
    """Cut off in the middle, the image is not kept."""
    half = library("libleaf.so.1")[:180].decode("latin-1")
    wheel(wheels, "forest", version="3.0", files={"forest/tree.abi3.so": half})
    with pytest.raises(PackageError, match=r"forest/tree\.abi3\.so is damaged"):
        builder(needy)[0].step_image()


def test_what_was_proven_is_not_proven_again(needy):
    """Another project folder or store starts anew; a damaged note counts for nothing."""
    build, _, talk = builder(needy, debian=["libleaf1"])
    build.step_image()
    build.step_image()
    assert steps(talk) == ["running", "3 files, all can be loaded", "unchanged"]
    for note in (needy / ".sealift/proofs").iterdir():
        note.write_bytes(note.read_bytes()[:-3])
    again, _, talk = builder(needy, debian=["libleaf1"])
    again.step_image()
    assert steps(talk) == ["running", "3 files, all can be loaded"]


def test_other_code_in_a_layer_is_not_proven_anew_other_libraries_are(tmp_path):
    """What a linker reads of the files decides, not their bytes."""
    store, talk = Layout(tmp_path / "layout", tmp_path / "unpacked"), Talk()
    prover = Prover(store, tmp_path / "notes", talk)

    def judge(code, *needs):
        files = {"opt/code.py": code, f"{LIB}/libleaf.so.1": library(*needs)}
        entries = [
            Entry(name=name, kind="file", content=content, mode=0o755)
            for name, content in files.items()
        ]
        made = layer.write(store, "runtime", layer.Part("", layer.sorted_entries(entries)))
        prover.require("image", "linux/amd64", [made], ImageSettings())

    judge(b"first = 1")
    judge(b"second = 2")
    assert steps(talk) == ["running", "1 files, all can be loaded", "unchanged"]
    with pytest.raises(PackageError, match="needs libsap"):
        judge(b"second = 2", "libsap.so.2")


def test_a_package_that_the_archive_lacks_is_answered_with_those_near(needy):
    """Before anything is downloaded."""
    with pytest.raises(ProjectError, match="no package 'libleef1'") as caught:
        builder(needy, debian=["libleef1"])[0].lock()
    assert "libleaf1" in caught.value.remedy


def test_what_images_do_without_comes_when_it_is_asked_for(needy, archive):
    """By name, although dependencies on it are left out."""
    archive.add("openssl", {"usr/bin/openssl": b"#!x"})
    archive.publish()
    lock = builder(needy, debian=["openssl"])[0].lock()
    assert [deb.name for deb in lock.debian] == ["openssl"]
    assert control.order(lock.debian[0].version) == control.order("1.0")
