"""Interpreters from archives: read as they lie, put into a layer, locked, named in the evidence."""

import hashlib
import io
import tarfile

import pytest
import zstandard
from archives import wheel
from compilers import compiling
from elves import library
from test_images import Talk, model, roles

from sealift.adapters.stores.layout import Layout
from sealift.errors import OfflineError, PackageError, ProjectError, SourceError
from sealift.folders import Folders
from sealift.package import bom, locking, standalone
from sealift.package.builder import Builder
from sealift.record.image_settings import ImageSettings, Interpreter
from sealift.record.lock import Standalone, Variant
from sealift.record.network import NetworkSettings
from sealift.record.project import Project

LOADER = "/lib64/ld-linux-x86-64.so.2"
LIBC = library(soname="libc.so.6", defines=("libc.so.6", "GLIBC_2.2.5"))
PROGRAM = library("libpython3.12.so.1.0", "libz.so.1", interpreter=LOADER, runpath="$ORIGIN/../lib")
SHARED = library("libc.so.6", soname="libpython3.12.so.1.0")
MODULE = library("libc.so.6")
TK = library("libX11.so.6", soname="libtk8.6.so")
SAYS = b"\0OpenSSL 3.0.15 3 Sep 2024\0 deflate 1.3.1 Copyright 1995\0"
NAME = "cpython-3.12.7-x86_64-unknown-linux-gnu-install_only.tar.gz"
TOLD = Standalone(archive=NAME, sha256="0" * 64)
UNUSED = (
    *(
        "lib/libpython3.12.so",
        "bin/pip3",
        "bin/idle3.12",
        "lib/libtk8.6.so",
        "lib/python3.12/test/test_os.py",
    ),
    *("lib/python3.12/__pycache__/os.cpython-312.pyc", "lib/python3.12/turtle.py"),
    *("lib/python3.12/site-packages/pip/__init__.py", "lib/python3.12/tkinter/__init__.py"),
    *("lib/python3.12/lib-dynload/_tkinter.cpython-312-x86_64-linux-gnu.so", "share/man/man1/x"),
    "lib/python3.12/config-3.12-x86_64-linux-gnu/libpython3.12.a",
)


# as tests of links: nothing asks for a library under this name
IDLE = {"lib/libtk.so": ("libtk8.6.so",)}


def files(**more):
    """The files of a standalone build, by their names below its root."""
    found = {
        "bin/python3.12": PROGRAM + SAYS,
        "bin/python3": ("python3.12",),
        "lib/libpython3.12.so.1.0": ("libpython3.12.so.1",),
        "lib/libpython3.12.so.1": ("libpython3.12.so.1.0.1",),
        "lib/libpython3.12.so.1.0.1": SHARED,
        "lib/python3.12/lib-dynload/_json.cpython-312-x86_64-linux-gnu.so": MODULE,
        "include/python3.12/patchlevel.h": b'#define PY_VERSION      "3.12.7"\n',
        **{f"lib/python3.12/{one}": b"" for one in ("os.py", "site.py", "json/__init__.py")},
        **dict.fromkeys(UNUSED, TK),
        **IDLE,
    }
    return {**found, **more}


def packed(found, root="python/"):
    """An archive of these files, without compression; words in a tuple are targets of links."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as whole:
        for name, content in found.items():
            info = tarfile.TarInfo(root + name)
            info.mode = 0o755
            if isinstance(content, tuple):
                info.type, info.linkname = tarfile.SYMTYPE, content[0]
                whole.addfile(info)
            else:
                info.size = len(content)
                whole.addfile(info, io.BytesIO(content))
    return made.getvalue()


def read(folder, content, python="3.12", platform="linux/amd64"):
    """What comes of an archive with this content."""
    path = folder / "archive"
    path.write_bytes(content)
    return standalone.read(path, python, platform, TOLD)


@pytest.mark.parametrize("root", ["python/", "./python/install/", ""])
def test_what_an_image_needs_of_it_comes_below_one_prefix(tmp_path, root):
    """From every layout; without tests, pip, windows, and libraries that nothing in it asks for."""
    made = read(tmp_path, packed(files(), root))
    names = {one.name for one in made.entries}
    assert names == {
        "usr/bin/python3.12",
        *(f"opt/python/{name}" for name in files() if name not in (*UNUSED, *IDLE)),
    }
    assert made.standalone.version == "3.12.7"
    assert made.standalone.libraries == ("libc.so.6", "libz.so.1")
    assert made.standalone.parts == {"openssl": "3.0.15", "zlib": "1.3.1"}


def test_every_way_of_packing_gives_the_same(tmp_path):
    """Plain, gzip and zstd, of which the last is that of full archives."""
    plain = packed(files())
    zipped = io.BytesIO()
    with tarfile.open(fileobj=zipped, mode="w:xz") as whole:
        for name, content in files().items():
            if not isinstance(content, tuple):
                info = tarfile.TarInfo(f"python/{name}")
                info.size, info.mode = len(content), 0o755
                whole.addfile(info, io.BytesIO(content))
    small = {one.name for one in read(tmp_path, zipped.getvalue()).entries}
    first = read(tmp_path, plain)
    assert read(tmp_path, zstandard.compress(plain)).entries == first.entries
    assert small <= {one.name for one in first.entries}


@pytest.mark.parametrize(
    ("content", "python", "platform", "said"),
    [
        (packed(files()), "3.13", "linux/amd64", "has Python 3.12, not 3.13"),
        (packed(files()), "3.12", "linux/arm64", "no program for linux/arm64"),
        (packed({"bin/ls": PROGRAM}), "3.12", "linux/amd64", "no standalone build"),
        (packed(files())[:700], "3.12", "linux/amd64", "cannot be read"),
        (b"hello", "3.12", "linux/amd64", "cannot be read"),
        (
            packed(files(**{"lib/python3.12/a": ("/etc/passwd",)})),
            *("3.12", "linux/amd64", "leads out of the archive"),
        ),
        (
            packed(files(**{"bin/python3.12": library(interpreter="/lib/ld-musl-x86_64.so.1")})),
            *("3.12", "linux/amd64", "made for musl"),
        ),
        (
            packed({"bin/python3.12": PROGRAM}),
            *("3.12", "linux/amd64", "of the standard library"),
        ),
    ],
)
def test_what_is_no_interpreter_for_the_image_is_refused(tmp_path, content, python, platform, said):
    """With what is wrong with it, and what to take."""
    with pytest.raises(PackageError) as caught:
        read(tmp_path, content, python, platform)
    assert said in str(caught.value)
    assert caught.value.remedy


@pytest.fixture
def small(world, archive, wheels):
    """A project whose interpreter is an archive beside its file."""
    archive.add(
        "libc6", {LOADER[1:]: LIBC, "usr/lib/x86_64-linux-gnu/libc.so.6": LIBC}, version="2.42"
    )
    archive.add(
        "zlib1g", {"usr/lib/x86_64-linux-gnu/libz.so.1": library(soname="libz.so.1")}, version="2.0"
    )
    archive.publish()
    content = zstandard.compress(packed(files()))
    (world / NAME).write_bytes(content)
    wheel(wheels, "treelib", script=True)
    return world, hashlib.sha256(content).hexdigest()


def builder(root, sha256, network=None, archive=NAME, **settings):
    """A builder of the project, and its store."""
    folders = Folders(root)
    store = Layout(folders.layout, folders.unpacked)
    named = {"linux/amd64": Interpreter(archive=archive, sha256=sha256)}
    image = ImageSettings(**{"python": "3.12", "interpreter": named, **settings})
    project = Project(name="flights", image=image, network=network or NetworkSettings())
    variant = Variant(platform="linux/amd64")
    return Builder(project, folders, store, Talk(), compiling, variant), store


def test_an_image_has_the_interpreter_in_a_layer_of_its_own(small, tmp_path):
    """Between the base, which has no other one, and the wheels, which lie where it looks."""
    root, sha256 = small
    build, store = builder(root, sha256)
    _, record = model(store, tmp_path / "model")
    image = build.serving_image(record)
    assert roles(image)[:3] == ["base", "interpreter", "runtime"]
    tree = store.rootfs(image.digest)
    assert (tree / "usr/bin/python3").readlink().name == "python3.12"
    assert (tree / "usr/bin/python3.12").readlink().as_posix() == "/opt/python/bin/python3.12"
    assert (tree / "opt/python/lib/python3.12/site-packages/httptools/__init__.py").is_file()
    assert (tree / "opt/python/bin/httptools").read_bytes().startswith(b"#!/usr/bin/python3\n")
    assert not [*tree.glob("usr/lib/python3*")]
    lock = build.lock()
    assert not [deb.name for deb in lock.base if "python" in deb.name]
    assert (lock.standalone.archive, lock.standalone.sha256) == (NAME, sha256)
    assert build.serving_image(record).digest == image.digest


def test_the_evidence_names_the_interpreter_with_what_is_linked_into_it(small):
    """Its version, its digest, and the libraries that no package tells of."""
    root, sha256 = small
    build, _ = builder(root, sha256)
    image = build.serving_image(None)
    one = bom.interpreter(build.lock(), image)[0]
    assert one["version"] == "3.12.7"
    assert one["hashes"] == [{"alg": "SHA-256", "content": sha256}]
    assert [part["name"] for part in one["components"]] == ["openssl", "zlib"]
    layer = next(each for each in image.layers if each.role == "interpreter")
    assert {"name": bom.LAYER, "value": layer.descriptor.digest} in one["properties"]


def test_a_lock_asks_for_the_archive_by_its_digest_alone(small):
    """Another place changes nothing; other bytes, another lock; and the cache is enough offline."""
    root, sha256 = small
    first = builder(root, sha256)[0].serving_image(None).digest
    (root / NAME).rename(root / "elsewhere")
    again, _ = builder(root, sha256, NetworkSettings(offline=True), archive="elsewhere")
    assert again.serving_image(None).digest == first
    settings = again._project.image
    other = Interpreter(archive="elsewhere", sha256="1" * 64)
    changed = ImageSettings(python="3.12", interpreter={"linux/amd64": other})
    assert locking.inputs(settings, root, "linux/amd64") != locking.inputs(
        changed, root, "linux/amd64"
    )


def test_an_archive_that_cannot_be_had_is_named(small):
    """Other bytes, no file, no network: each with its own answer."""
    root, _ = small
    with pytest.raises(SourceError, match="has the digest"):
        builder(root, "1" * 64)[0].lock()
    with pytest.raises(SourceError, match="not where it should be"):
        builder(root, "1" * 64, archive="gone.tar.gz")[0].lock()
    with pytest.raises(OfflineError):
        builder(
            root, "1" * 64, NetworkSettings(offline=True), archive=f"https://example.com/{NAME}"
        )[0].lock()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"base": "team/base:1"}, "interpreter of its own"),
        (
            {"interpreter": {"linux/arm64": Interpreter(archive="a", sha256="0" * 64)}},
            "linux/arm64",
        ),
    ],
)
def test_settings_that_do_not_go_together_are_refused(small, settings, said):
    """A base of others, and a platform that no archive is named for."""
    root, sha256 = small
    with pytest.raises(ProjectError, match=said):
        builder(root, sha256, **settings)[0].lock()
