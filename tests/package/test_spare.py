"""What the server's wheels bring for other programs is only where there may be such programs."""

import shutil

import pytest
from archives import wheel
from compilers import compiling
from elves import library
from test_images import Talk, builder, model, roles
from test_rebuild import again

from sealift.adapters.stores.layout import Layout
from sealift.archive import Entry
from sealift.check import installed, packages
from sealift.folders import Folders
from sealift.package import apart, eject, explain, locking, spare
from sealift.package.builder import Builder
from sealift.package.contents import Reader
from sealift.record.lock import Variant
from sealift.record.project import ModelSettings, Project

CAPI = "onnxruntime/capi"
LIBRARY = f"{CAPI}/libonnxruntime.so.1.24.1"
SITE = "usr/local/lib/python3.13/dist-packages"
RECORD = f"{SITE}/onnxruntime-1.24.1.dist-info/RECORD"


def runtime(folder, *, name="onnxruntime", needs=(), size=0):
    """A wheel of onnxruntime that holds the library, and a module that is linked to ``needs``."""
    files = {
        LIBRARY: library(soname="libonnxruntime.so.1").decode("latin-1") + "x" * size,
        f"{CAPI}/state.abi3.so": library(*needs).decode("latin-1"),
    }
    wheel(folder, name, version="1.24.1", needs=["numpy"], files=files)


@pytest.fixture
def doubled(world, wheels):
    """A world whose onnxruntime holds its runtime twice."""
    runtime(wheels)
    return world


def entries(*needs, place=SITE):
    """An installed wheel of onnxruntime as entries."""
    content = {
        f"{place}/{LIBRARY}": library(soname="libonnxruntime.so.1"),
        f"{place}/{CAPI}/state.abi3.so": library(*needs),
        f"{place}/{CAPI}/cut.so": b"\x7fELF",
        f"{place}/onnxruntime/__init__.py": b"",
    }
    listed = [name.removeprefix(f"{place}/") for name in content]
    lines = "".join(f"{name},sha256=0,1\n" for name in (*listed, "x.dist-info/RECORD"))
    content[f"{place}/x.dist-info/RECORD"] = lines.encode()
    return [Entry(name, "file", content=text) for name, text in content.items()]


def lines(record):
    """The names in a list of files."""
    return [line.partition(",")[0] for line in record.splitlines()]


def test_the_library_with_the_interface_of_c_goes_with_its_line():
    """All else stays as it is, the order too."""
    every = entries()
    kept = spare.without(every)
    assert [one.name for one in kept] == [one.name for one in every[1:]]
    assert kept[:-1] == every[1:-1]
    assert lines(kept[-1].content.decode()) == lines(every[-1].content.decode())[1:]


def test_both_parts_over_each_other_are_the_wheel():
    """The list of files that names all of them lies above the one that does not."""
    every = entries()
    whole = {one.name: one for one in (*spare.without(every), *spare.only(every))}
    assert whole == {one.name: one for one in every}
    assert [one.name for one in spare.only(every)] == [every[0].name, every[-1].name]


@pytest.mark.parametrize("name", ["libonnxruntime.so.1", "libonnxruntime.so.1.24.1"])
def test_a_library_that_a_module_is_linked_to_stays(name):
    """By its soname, or by the name of the file."""
    assert spare.without(entries(name)) == entries(name)
    assert spare.only(entries(name)) == []


def test_other_libraries_and_other_places_are_left_alone():
    """A provider is no copy of the runtime; a file of the same name elsewhere is somebody's own."""
    kept = [
        Entry(f"{SITE}/{CAPI}/libonnxruntime_providers_shared.so", "file", content=library()),
        Entry(f"{SITE}/genai/libonnxruntime.so.1.24.1", "file", content=library()),
        Entry(f"{SITE}/{LIBRARY}", "link", target="elsewhere"),
    ]
    assert spare.without(kept) == kept
    assert spare.only(kept) == []


def test_only_onnxruntime_is_looked_at():
    """In its form for the processor and for cards."""
    locked = ["numpy==2.3 --hash=sha256:0", "onnxruntime-gpu==1.2", "onnxruntime-genai==1.0"]
    assert spare.lines(locked) == ("onnxruntime-gpu==1.2",)
    assert spare.lines(["onnxruntime==1.24.1 --hash=sha256:0"]) == (
        "onnxruntime==1.24.1 --hash=sha256:0",
    )


def test_an_image_that_serves_alone_lacks_the_library_and_does_not_list_it(doubled, tmp_path):
    """Each file that a wheel lists is there, and none lies beside them."""
    build, store, _ = builder(doubled)
    _, record = model(store, tmp_path / "model")
    image = build.serving_image(record)
    assert roles(image) == ["base", "runtime", "server", *["bytecode"] * 2, *["model"] * 5]
    root = store.rootfs(image.digest)
    assert (root / SITE / CAPI / "state.abi3.so").is_file()
    assert not (root / SITE / LIBRARY).exists()
    assert LIBRARY not in lines((root / RECORD).read_text())
    found = installed.wheels(root)
    assert list(packages.wheel_files(root, found)) == []
    assert list(packages.strangers(root, found)) == []


def test_an_image_with_programs_of_others_has_wheels_whole(doubled):
    """On top of the very layers of the image that serves."""
    build, store, _ = builder(doubled)
    image, served = build.step_image(), build.serving_image(None)
    assert roles(image) == ["base", "shell", "runtime", "spare", "packages"]
    assert {one.descriptor.digest for one in served.layers if one.role != "server"} < {
        one.descriptor.digest for one in image.layers
    }
    root = store.rootfs(image.digest)
    assert (root / SITE / LIBRARY).read_bytes() == library(soname="libonnxruntime.so.1")
    assert LIBRARY in lines((root / RECORD).read_text())
    found = installed.wheels(root)
    assert list(packages.wheel_files(root, found)) == []
    assert list(packages.strangers(root, found)) == []


def test_so_has_an_image_that_serves_a_program_of_the_users_own(doubled):
    """It may open the library by its path."""
    own = ModelSettings(origin="a.b", task="regression", table="a.c", target="y", predict="p.py")
    folders, talk = Folders(doubled), Talk()
    store = Layout(folders.layout, folders.unpacked)
    project = Project(name="flights", model=own)
    image = Builder(project, folders, store, talk, compiling).serving_image(None)
    assert roles(image) == ["base", "runtime", "spare", "packages", "server"]
    assert (store.rootfs(image.digest) / SITE / LIBRARY).is_file()


def test_an_image_for_a_card_lacks_the_library_too(doubled, wheels):
    """It serves alone, by the wheel for CUDA."""
    runtime(wheels, name="onnxruntime_gpu")
    build, store, _ = builder(doubled, Variant(platform=locking.here(), accelerator="cuda"))
    image = build.serving_image(None)
    root = store.rootfs(image.digest)
    assert roles(image) == ["base", "runtime", "server"]
    assert (root / SITE / CAPI / "state.abi3.so").is_file()
    assert not (root / SITE / LIBRARY).exists()


def test_a_library_that_the_server_is_linked_to_is_in_every_image(world, wheels):
    """And there is no layer for what is left out."""
    runtime(wheels, needs=["libonnxruntime.so.1.24.1"])
    build, store, _ = builder(world)
    image, served = build.step_image(), build.serving_image(None)
    assert roles(image) == ["base", "shell", "runtime", "packages"]
    assert (store.rootfs(served.digest) / SITE / LIBRARY).is_file()


def test_both_kinds_of_images_are_made_again_byte_by_byte(doubled, tmp_path):
    """Each from its own layers."""
    build, store, talk = builder(doubled)
    made = [build.serving_image(None), build.step_image()]
    for number, one in enumerate(made):
        folder = tmp_path / str(number) / "project"
        shutil.copytree(doubled, folder)
        assert again(folder, store, one, talk).same


def test_a_layer_that_came_to_nothing_is_not_made_again(world):
    """An older onnxruntime has no such file: that is found out once."""
    builder(world)[0].step_image()
    build, _, talk = builder(world)
    build.step_image()
    assert ("spare layer", "unchanged") in talk.steps


def test_the_layer_is_explained_and_names_no_package_twice(doubled, wheels):
    """It is onnxruntime's, by its size; the wheel is told of by the layer below alone."""
    runtime(wheels, size=apart.LARGE)
    build, store, _ = builder(doubled)
    image = build.step_image()
    reader = Reader(store, doubled / "notes")
    held = [reader.contents(one) for one in image.layers]
    told = explain.explain(image, build.lock(), held, None)
    layer = next(one for one in told.layers if one.layer == "spare onnxruntime")
    assert layer.unpacked > apart.LARGE
    assert ("onnxruntime", "spare onnxruntime") in {(one.name, one.layer) for one in told.packages}
    names = [wheel.name for one in held for wheel in one.wheels]
    assert sorted(names) == sorted(set(names))


def test_what_a_dockerfile_builds_has_the_library_and_says_so(doubled, tmp_path):
    """pip installs wheels whole."""
    build, store, _ = builder(doubled)
    _, record = model(store, tmp_path / "model")
    image = build.serving_image(record)
    eject.write(image, record, build.lock(), store, tmp_path / "out")
    assert "libonnxruntime.so" in (tmp_path / "out/README.md").read_text()
