"""What is found missing in an image, to whom it belongs, and what is told of it."""

import pytest
from archives import tarball

from sealift.errors import IntegrityError, PackageError
from sealift.package import inventory, outside, shortfall, sonames
from sealift.package.closure import Finding, prove
from sealift.package.elf import Elf
from sealift.package.filetree import FileTree
from sealift.package.inventory import Inventory, Wheel
from sealift.package.linker import MACHINES
from sealift.record.image import LAYER

AMD64 = MACHINES["linux/amd64"]
LIB = "usr/lib/x86_64-linux-gnu"
HERE = "usr/local/lib/python3.13/dist-packages"


def lib(*needed, machine="EM_X86_64", **facts):
    """A library's facts."""
    return Elf(machine=machine, bits=64, kind="library", needed=needed, **facts)


def layer(elves, *, wheels=(), **more):
    """A layer of ELF files; those of wheels belong to the wheel that their folder is called by."""
    known = {wheel.name: wheel for wheel in wheels}
    tops = {name: name.removeprefix(f"{HERE}/").split("/")[0] for name in elves}
    owners = {name: top for name, top in tops.items() if top in known}
    files = (*elves, *more.pop("files", ()))
    return Inventory(files=files, elves=elves, wheels=known, owners=owners, **more)


def wheel(name, *requires, tags=("py3-none-any",)):
    """A wheel's record."""
    return Wheel(name=name, version="1.0", requires=requires, tags=tags)


BASE = layer(
    {
        f"{LIB}/libc.so.6": lib(soname="libc.so.6", defines=("GLIBC_2.5", "GLIBC_2.36")),
        "usr/lib64/ld-linux-x86-64.so.2": lib(soname="ld-linux-x86-64.so.2"),
    },
    links={"lib": "usr/lib", "lib64": "usr/lib64"},
    debs={f"{LIB}/libc.so.6": "libc6"},
)


def found(*layers, absent=(), machine=AMD64):
    """The findings in an image of these layers above the base, in short form."""
    proof = prove(FileTree([BASE, *layers]), machine, absent)
    return [(one.kind, one.owner, one.file, one.lacks) for one in proof.findings]


def module(name):
    """The path of an extension module."""
    return f"{HERE}/{name}.cpython-313-x86_64-linux-gnu.so"


def test_a_library_that_is_nowhere_is_found_with_its_owner():
    """Once for all files that lack it."""
    files = {module("cv/a"): lib("libGL.so.1", "libc.so.6"), module("cv/b"): lib("libGL.so.1")}
    proof = prove(FileTree([BASE, layer(files, wheels=[wheel("cv")])]), AMD64)
    assert proof.files == 4
    assert [(one.owner, one.lacks, one.more) for one in proof.findings] == [
        ("cv 1.0", "libGL.so.1", 1)
    ]


def test_what_a_debian_package_lacks_is_its_own():
    """As its list of files says."""
    above = layer({f"{LIB}/libx.so.1": lib("liby.so.1")}, debs={f"{LIB}/libx.so.1": "libx1"})
    assert found(above) == [("library", "Debian's libx1", f"/{LIB}/libx.so.1", "liby.so.1")]


def test_the_folder_of_libraries_that_a_repaired_wheel_carries_is_searched():
    """RPATH from the module, inherited by the libraries that it brings."""
    files = {
        module("sp/a"): lib("libblas-1.so", rpath=("$ORIGIN/../sp.libs",)),
        f"{HERE}/sp.libs/libblas-1.so": lib("libfortran-1.so", soname="libblas-1.so"),
        f"{HERE}/sp.libs/libfortran-1.so": lib("libc.so.6", soname="libfortran-1.so"),
    }
    assert found(layer(files)) == []
    files[module("sp/a")] = lib("libblas-1.so", runpath=("$ORIGIN/../sp.libs",))
    assert [one[2:] for one in found(layer(files))] == [("sp.libs/libblas-1.so", "libfortran-1.so")]


def test_what_a_required_wheel_brings_has_been_loaded_before():
    """Its module is imported first; a wheel that is not required does not count."""
    files = {
        f"{HERE}/torch/lib/libtorch.so": lib("libcudart.so.12", soname="libtorch.so"),
        f"{HERE}/cudart/lib/libcudart.so.12": lib(soname="libcudart.so.12"),
        module("vision/c"): lib("libtorch.so"),
    }
    wheels = [wheel("torch", "cudart"), wheel("cudart"), wheel("vision", "torch")]
    assert found(layer(files, wheels=wheels)) == []
    alone = [*wheels[:2], wheel("vision")]
    assert [one[1:] for one in found(layer(files, wheels=alone))] == [
        ("vision 1.0", "vision/c.cpython-313-x86_64-linux-gnu.so", "libtorch.so")
    ]


def test_the_driver_and_optional_parts_may_be_missing():
    """Each with its reason; and whatever the project says."""
    files = {
        module("a/cuda"): lib("libcuda.so.1"),
        f"{HERE}/onnxruntime/capi/libonnxruntime_providers_cuda.so": lib("libcublas.so.12"),
        module("a/x"): lib("libown.so.1"),
    }
    assert [one[3] for one in found(layer(files))] == ["libown.so.1"]
    assert found(layer(files), absent=["libown.so.1"]) == []
    assert all(len(reason) > 10 for reason in outside.PLUGINS.values())


def test_a_version_that_a_library_does_not_have_is_found():
    """Unless it has none at all, as the linker sees it."""
    want = {"libc.so.6": ("GLIBC_2.5", "GLIBC_2.41"), "libown.so": ("OWN_1",)}
    files = {
        module("a/x"): lib("libc.so.6", "libown.so", wants=want, rpath=("$ORIGIN",)),
        f"{HERE}/a/libown.so": lib(soname="libown.so"),
    }
    assert [(one[0], one[3]) for one in found(layer(files))] == [("version", "GLIBC_2.41")]


def test_a_wheel_made_for_a_newer_glibc_is_found_by_its_tags():
    """Any one fitting tag will do."""
    new, old = "cp313-cp313-manylinux_2_39_x86_64", "cp313-cp313-manylinux2014_x86_64"
    wheels = [wheel("new", tags=(new,)), wheel("old", tags=(new, old)), wheel("plain")]
    wheels.append(wheel("arm", tags=("cp313-cp313-manylinux_2_17_aarch64",)))
    above = layer({}, wheels=wheels)
    assert found(above) == [
        ("machine", "arm 1.0", "its tag", "manylinux_2_17_aarch64"),
        ("floor", "new 1.0", "its tag", "2.39"),
    ]


def test_files_for_another_machine_are_found_where_they_would_be_loaded():
    """A debugger may carry some for others, beside those for this one."""
    files = {
        f"{HERE}/debug/attach_x86.so": Elf(machine="EM_386", bits=32, kind="library"),
        f"{HERE}/debug/attach_amd64.so": lib(),
        f"{HERE}/arm/a.so": lib(machine="EM_AARCH64"),
        f"{HERE}/mixed/a.abi3.so": lib(machine="EM_AARCH64"),
        f"{HERE}/mixed/b.so": lib(),
        f"{HERE}/anywhere/attach_arm.so": lib(machine="EM_AARCH64"),
        f"{HERE}/kernels/a.cubin": Elf(machine="EM_CUDA", bits=64, kind="other"),
    }
    wheels = [wheel(name) for name in ("debug", "anywhere", "mixed", "kernels")]
    wheels.append(wheel("arm", tags=("cp313-cp313-manylinux_2_17_x86_64",)))
    assert [one[1] for one in found(layer(files, wheels=wheels))] == ["arm 1.0", "mixed 1.0"]


def test_a_program_needs_its_loader():
    """The C library's own, not another's."""
    files = {"usr/bin/a": lib(interpreter="/lib64/ld-linux-x86-64.so.2")}
    assert found(layer(files)) == []
    files["usr/bin/b"] = lib(interpreter="/lib/ld-musl-x86_64.so.1")
    assert [one[0] for one in found(layer(files))] == ["loader"]
    assert found(layer(files), absent=["ld-musl-x86_64.so.1"]) == []


def test_an_upper_layer_hides_and_replaces_what_is_below():
    """Whiteouts, files instead of links, and links into other folders."""
    below = layer({f"{LIB}/libx.so.1": lib()}, links={f"{LIB}/liby.so.1": "libx.so.1"})
    user = layer({"usr/bin/a": lib("libx.so.1", "liby.so.1")})
    assert found(below, user) == []
    hidden = Inventory(files=(f"{LIB}/.wh.libx.so.1",))
    assert {one[3] for one in found(below, user, hidden)} == {"libx.so.1", "liby.so.1"}
    opaque = Inventory(files=(f"{LIB}/.wh..wh..opq",))
    assert "libx.so.1" in {one[3] for one in found(below, user, opaque)}
    text = Inventory(files=(f"{LIB}/libx.so.1",))
    assert "libx.so.1" in {one[3] for one in found(below, user, text)}
    merged = layer({"lib/x86_64-linux-gnu/libx.so.1": lib()})
    assert found(merged, layer({"usr/bin/a": lib("libx.so.1")})) == []
    circle = Inventory(links={f"{LIB}/libx.so.1": "libz.so", f"{LIB}/libz.so": "libx.so.1"})
    assert found(circle, layer({"usr/bin/a": lib("libx.so.1")})) != []


def test_at_most_twenty_are_told_and_the_rest_counted():
    """With what to do for each kind of trouble."""
    many = [Finding("library", "a 1.0", "a/x.so", f"libn{number}.so.1") for number in range(30)]
    error = shortfall.refusal("image", many, [])
    assert error.what.count("\n") == 21
    assert error.what.endswith("and 10 more")
    kinds = [
        Finding("library", "opencv-python 5", "cv2.so", "libGL.so.1"),
        Finding("version", "b 1.0", "b.so", "GLIBC_2.41", "libc.so.6", 3),
        Finding("machine", "c 1.0", "c.so", "AARCH64, 64 bits"),
        Finding("damaged", "", "/d.so", "its header is cut off"),
        Finding("loader", "e 1.0", "/e", "/lib/ld-musl.so.1"),
        Finding("floor", "f 1.0", "its tag", "2.41", "2.36"),
    ]
    error = shortfall.refusal("image", kinds, ["curl"])
    assert isinstance(error, PackageError)
    assert 'debian = ["curl", "libgl1"]' in error.remedy
    assert "opencv-python-headless" in error.remedy
    assert "b.so and 3 more need GLIBC_2.41, which the image's libc.so.6 does not" in error.what
    assert "glibc 2.41; the image has 2.36" in error.what


def test_each_library_is_brought_by_one_package():
    """And what is not in the table may still have a likely name."""
    table = sonames.all_packages()
    assert table["libgomp.so.1"] == "libgomp1"
    assert table["libsndfile.so.1"] == "libsndfile1"
    assert sonames.likely_name("libcurl-gnutls.so.4") == "libcurl-gnutls4"


def test_a_layer_that_is_cut_off_is_refused(tmp_path):
    """A proof of half a layer would be none."""
    whole = tarball({"usr/lib/a.txt": b"x" * 5000})
    path = tmp_path / "layer"
    path.write_bytes(whole[:3000])
    with path.open("rb") as blob, pytest.raises(IntegrityError):
        inventory.take(blob, LAYER, tmp_path)
    path.write_bytes(whole)
    with path.open("rb") as blob:
        assert inventory.take(blob, LAYER, tmp_path).files == ("usr/lib/a.txt",)
