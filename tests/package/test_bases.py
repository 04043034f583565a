"""Images on a base of others: a small one, with an interpreter that is as good as a real one."""

import gzip
import hashlib
import io
import json
import tarfile

import msgspec
import pytest
from archives import wheel
from compilers import compiling
from elves import library
from test_images import Talk, config, model, roles

from sealift.adapters.stores.layout import Layout
from sealift.errors import PackageError, ProjectError
from sealift.folders import Folders
from sealift.package.builder import Builder
from sealift.package.whole import look
from sealift.record.image import CONFIG, LAYER_GZIP, MANIFEST, Manifest
from sealift.record.image_settings import ImageSettings
from sealift.record.project import Project

LOADER = "/lib64/ld-linux-x86-64.so.2"
LIBC = library(soname="libc.so.6", defines=("libc.so.6", "GLIBC_2.2.5", "GLIBC_2.36"))
PROGRAM = library("libc.so.6", interpreter=LOADER)
STATUS = b"Package: tzdata\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n\n"
SUMS = b"%032x  usr/bin/python3.13\n" % 0
DOCKER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


def system(prefix="usr", version="3.13"):
    """The files of a distribution with an interpreter below a prefix."""
    modules = ("os", "ssl", "asyncio/__init__", "ctypes/__init__", "json/__init__")
    return {
        "bin": ("usr/bin",),
        "usr/bin/sh": b"#!sh",
        LOADER[1:]: LIBC,
        "lib/x86_64-linux-gnu/libc.so.6": LIBC,
        f"{prefix}/bin/python{version}": PROGRAM,
        f"{prefix}/bin/python3": (f"python{version}",),
        **{f"{prefix}/lib/python{version}/{one}.py": b"" for one in modules},
        "usr/lib/os-release": b"ID=debian\nVERSION_CODENAME=bookworm\n",
        "var/lib/dpkg/status": STATUS,
        "var/lib/dpkg/info/python3.13-minimal.md5sums": SUMS,
    }


def tar(files):
    """A layer: bytes are files, words in a tuple targets of links."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as whole:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.mode = 0o755
            if isinstance(content, tuple):
                info.type, info.linkname = tarfile.SYMTYPE, content[0]
                whole.addfile(info)
            else:
                info.size = len(content)
                whole.addfile(info, io.BytesIO(content))
    return made.getvalue()


class Far:
    """Where a base lies: layers as Docker wrote them, brought into a store when it is asked for."""

    def __init__(self, *layers, env=(), arch="amd64"):
        self.layers = [tar(files) for files in layers]
        self.env, self.arch = [*env], arch
        self.asked = []

    def fetch(self, store):
        """How a builder gets it."""

        def fetched(reference, platform, wanted):
            self.asked.append((reference, platform, wanted))
            return self.put(store)

        return fetched

    def put(self, store):
        """The image in a store; its digest."""
        blobs = [gzip.compress(one, mtime=0) for one in self.layers]
        diffs = [f"sha256:{hashlib.sha256(one).hexdigest()}" for one in self.layers]
        told = {
            "os": "linux",
            "architecture": self.arch,
            "config": {"Env": self.env, "User": "root", "Cmd": ["bash"]},
            "rootfs": {"type": "layers", "diff_ids": diffs},
        }
        kept = store.put(json.dumps(told).encode(), CONFIG)
        layers = tuple(
            msgspec.structs.replace(store.put(one, LAYER_GZIP), media_type=DOCKER) for one in blobs
        )
        manifest = Manifest(config=kept, layers=layers)
        content = msgspec.json.encode(msgspec.to_builtins(manifest))
        return store.put(content, MANIFEST).digest


def standing(root, far, **settings):
    """A builder on a base, its store, and what it says."""
    folders, talk = Folders(root), Talk()
    store = Layout(folders.layout, folders.unpacked)
    image = ImageSettings(**{"base": "team/base:1", **settings})
    project = Project(name="flights", image=image)
    return Builder(project, folders, store, talk, compiling, fetch=far.fetch(store)), store, talk


def digests(image, role):
    """The layers of a role."""
    return [one.descriptor.digest for one in image.layers if one.role == role]


def test_the_layers_of_a_base_are_kept_as_they_are(world, tmp_path):
    """By digest, in the words of OCI; the wheels' layers are those of images on Debian."""
    far = Far({"first": b"1"}, system(), env=["PATH=/opt/bin:/usr/bin", "GIVEN=yes"])
    build, store, _ = standing(world, far)
    steps = build.step_image()
    _, record = model(store, tmp_path / "model")
    image = build.serving_image(record)
    base = store.manifest(far.put(store)).layers
    assert roles(image)[:5] == ["base", "base", "base", "runtime", "server"]
    assert roles(image)[5:] == [*["bytecode"] * 2, *["model"] * 5]
    assert digests(image, "base")[:2] == [one.digest for one in base]
    assert digests(image, "base") == digests(steps, "base")
    assert {one.media_type for one in store.manifest(image.digest).layers[:2]} == {LAYER_GZIP}
    plain = Builder(Project(name="p"), Folders(world), store, Talk(), compiling).serving_image(None)
    assert digests(image, "runtime") == digests(plain, "runtime")


def test_a_container_finds_all_in_an_image_on_a_base(world):
    """The interpreter by every name, the wheels, places to mount to, the environment of both."""
    far = Far(system(), env=["PATH=/opt/bin:/usr/bin", "GIVEN=yes", "LANG=C"])
    build, store, _ = standing(world, far)
    image = build.step_image()
    root = store.rootfs(image.digest)
    for name in ("python", "python3", "python3.13"):
        assert (root / "usr/bin" / name).resolve().name == "python3.13"
    assert (root / "usr/local/lib/python3.13/dist-packages/forest/__init__.py").is_file()
    assert all((root / name).is_dir() for name in ("in", "model", "out", "project", "records"))
    told = config(store, image)["config"]
    assert told["User"] == "65532:65532"
    assert "PATH=/usr/local/bin:/usr/bin:/bin:/opt/bin" in told["Env"]
    assert {"GIVEN=yes", "LANG=C.UTF-8"} <= set(told["Env"])
    assert not any(one.startswith("SSL_CERT_FILE=") for one in told["Env"])
    assert "Cmd" not in told
    held = look(root).contents
    assert {"tzdata"} <= held.debs.keys()
    assert {"forest", "numpy"} <= {one.name for one in held.wheels}


def test_an_interpreter_of_its_own_prefix_has_its_wheels_there(world):
    """As in images of Docker's python: /usr/local, which comes before the distribution's."""
    far = Far(system(version="3.12"), system("usr/local"), env=["PYTHON_VERSION=3.13.7"])
    build, store, _ = standing(world, far)
    image = build.step_image()
    root = store.rootfs(image.digest)
    founded = build.lock().foundation
    assert (founded.python, founded.version) == ("usr/local/bin/python3.13", "3.13.7")
    assert (root / "usr/local/lib/python3.13/site-packages/forest/__init__.py").is_file()
    assert (root / "usr/local/bin/forest").is_file()
    assert (root / "usr/bin/python3").readlink().as_posix() == "/usr/local/bin/python3.13"


def test_wheels_of_a_base_give_way_to_those_of_the_lock(world):
    """Of another version; whole folders where they are one wheel's alone."""
    packages = "usr/local/lib/python3.13/dist-packages"
    old = f"{packages}/numpy-1.0.dist-info"
    there = {
        f"{packages}/numpy/__init__.py": b"VERSION = 'old'\n",
        f"{packages}/numpy/gone.py": b"",
        f"{packages}/kept.py": b"",
        f"{old}/METADATA": b"Name: numpy\nVersion: 1.0\n",
        f"{old}/RECORD": b"numpy/__init__.py,,\nnumpy/gone.py,,\nnumpy-1.0.dist-info/METADATA,,\n"
        b"numpy-1.0.dist-info/RECORD,,\n",
    }
    build, store, _ = standing(world, Far(system(), there))
    root = store.rootfs(build.step_image().digest)
    assert (root / packages / "numpy/__init__.py").read_text() == "VERSION = '2.2'\n"
    assert not (root / packages / "numpy/gone.py").exists()
    assert [one.name for one in (root / packages).glob("numpy-*")] == ["numpy-2.2.dist-info"]
    assert (root / packages / "kept.py").is_file()
    assert build.lock().foundation.hidden == (f"{packages}/numpy", old)


def test_a_base_is_locked_by_its_digest(world):
    """It is not asked for again; what is lost is brought again, and has to be the same."""
    far = Far(system())
    build, store, _ = standing(world, far)
    first = build.step_image()
    assert far.asked == [("team/base:1", "linux/amd64", None)]
    locked = build.lock().foundation
    assert "team/base" not in (world / "sealift.lock").read_text()

    store.root.joinpath("blobs/sha256", locked.layers[0].descriptor.digest[7:]).unlink()
    assert standing(world, far)[0].step_image().digest == first.digest
    assert far.asked[1:] == [("team/base:1", "linux/amd64", locked.image)]

    store.root.joinpath("blobs/sha256", locked.layers[0].descriptor.digest[7:]).unlink()
    other = Far(system(), {"more": b"x"})
    with pytest.raises(PackageError, match="cannot be had any more"):
        standing(world, other)[0].step_image()


@pytest.mark.parametrize(
    ("files", "settings", "says"),
    [
        ({}, {}, "has no Python 3.13 .* nor any other"),
        (system(version="3.12"), {}, r"no Python 3\.13 .* it has 3\.12"),
        (system() | {"usr/bin/python3.13": b"#!x"}, {}, "is no program for x86_64"),
        (
            system() | {"usr/bin/python3.13": library(interpreter="/lib/ld-musl-x86_64.so.1")},
            {},
            "musl",
        ),
        ({k: v for k, v in system().items() if "ssl" not in k}, {}, r"lacks ssl\.py"),
        ({k: v for k, v in system().items() if k != "usr/bin/sh"}, {}, "no /bin/sh"),
        (system(), {"debian": ["libgl1"]}, "cannot be put on a base"),
    ],
)
def test_a_base_that_nothing_can_stand_on_is_refused(world, files, settings, says):
    """With what it lacks, and nothing is left behind."""
    build, _, _ = standing(world, Far(files), **settings)
    with pytest.raises((PackageError, ProjectError), match=says):
        build.step_image()


def test_a_base_for_another_processor_is_refused(world):
    """An image that does not say so in an index is looked at."""
    build, _, _ = standing(world, Far(system(), arch="arm64"))
    with pytest.raises(PackageError, match="runs on linux/arm64"):
        build.step_image()


def test_what_a_base_lacks_itself_is_its_own_affair(world, wheels):
    """Its files are taken as they are; those of wheels are not."""
    broken = library("libnowhere.so.1")
    far = Far(system() | {"usr/lib/odd.so": broken})
    build, _, _ = standing(world, far)
    assert build.step_image().layers
    wheel(wheels, "forest", version="2.0", files={"forest/odd.so": broken.decode("latin-1")})
    with pytest.raises(PackageError, match=r"forest 2\.0.*libnowhere"):
        standing(world, far, requirements=again(world))[0].step_image()


def test_an_interpreter_that_would_not_start_is_refused(world):
    """It is the one program of the base that has to run."""
    program = library("libpython3.13.so.1.0", "libc.so.6", interpreter=LOADER)
    build, _, _ = standing(world, Far(system() | {"usr/bin/python3.13": program}))
    with pytest.raises(PackageError, match=r"libpython3\.13\.so\.1\.0") as caught:
        build.step_image()
    assert caught.value.remedy.startswith("Put what is missing into the base")


def again(root):
    """The requirements under another name, which makes a new lock."""
    (root / "again.txt").write_text("forest>=2\n")
    return "again.txt"
