"""Bytecode in images: what is compiled, by whom, and that it repeats."""

import io
import os
import subprocess
import sys
import tarfile
import time
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from compilers import compiling, none, pressing
from test_images import Talk

from benchmarks.package.kills import filled, small_disk
from benchmarks.program import FailedError
from sealift.adapters.engines.choice import choose
from sealift.adapters.stores.layout import Layout
from sealift.adapters.stores.trees import remove
from sealift.adapters.table import adapter
from sealift.archive import Entry
from sealift.errors import MachineError, PackageError, SourceError
from sealift.folders import Folders
from sealift.layers import plain
from sealift.package import image as images
from sealift.package import layer
from sealift.package.builder import Builder
from sealift.package.bytecode import Compiler
from sealift.package.larder import Larder
from sealift.package.layer import Part, reused
from sealift.package.modules import Modules
from sealift.package.shelf import Shelf
from sealift.record.container import ContainerSpec
from sealift.record.lock import Deb, Lock, Standalone
from sealift.record.project import Project
from sealift.testing.engine import MemoryEngine
from sealift.testing.store import MemoryStore

SERVE = "opt/sealift/sealift/serve"
STARTED = "import sealift.container, sealift.serve.errand, sealift.serve.server, onnxruntime"
COMPILE = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_bytecode import building, pressed
build, store, _ = building(Path(sys.argv[1]))
pressed(build, store, Path(sys.argv[3]))
"""
FROM = "# code object from "
"""What the interpreter says of a module that it compiled; paths of bytecode are quoted."""


def contents(made, store):
    """The files of a layer."""
    with (
        store.open(made.descriptor.digest) as blob,
        tarfile.open(fileobj=plain(blob, made.descriptor.media_type), mode="r|") as tar,
    ):
        return {info.name: tar.extractfile(info).read() for info in tar if info.isreg()}


def written(store, role, **files):
    """A layer of files, by their names."""
    entries = [Entry(name, "file", content=content) for name, content in files.items()]
    return layer.write(store, role, Part("", layer.sorted_entries(entries)))


def lock(platform, python):
    """A lock with an interpreter of a version."""
    deb = Deb(
        name="python3.13-minimal",
        version=python,
        arch="any",
        archive="main",
        path="pool/python",
        sha256="0" * 64,
        size=1,
    )
    return Lock(
        inputs="sha256:0", platform=platform, suite="trixie", python="3.13", base=(deb,), shell=(),
        runtime=(), packages=(),
    )  # fmt: skip


HOME = lock("linux/amd64", "3.13.5-2")


@pytest.fixture
def small(tmp_path):
    """A base and a server of a module each, their store, and what compiles them in memory."""
    store = MemoryStore(tmp_path / "store")
    base = written(store, "base", **{"usr/lib/python3.13/asyncio/tasks.py": b"a = 1\n"})
    server = written(store, "server", **{f"{SERVE}/app.py": b"b = 2\n"})
    folders = Folders(tmp_path / "project")
    modules = Modules(tmp_path / "modules")
    compiler = Compiler(lambda: (HOME, [base]), compiling, store, folders, modules)
    return store, [base, server], compiler, Shelf(store, tmp_path / "notes", Talk())


def test_bytecode_lies_where_the_interpreter_looks_for_it(small):
    """That of the server apart from all else, so that other code of it leaves the rest alone."""
    store, below, compiler, shelf = small
    made = compiler.press(HOME, below, store, shelf)
    assert [(part.role, part.holds) for part in made] == [("bytecode", ""), ("bytecode", "server")]
    assert [list(contents(part, store)) for part in made] == [
        ["usr/lib/python3.13/asyncio/__pycache__/tasks.cpython-313.pyc"],
        [f"{SERVE}/__pycache__/app.cpython-313.pyc"],
    ]
    other = written(store, "server", **{f"{SERVE}/app.py": b"b = 3\n"})
    again = compiler.press(HOME, [below[0], other], store, shelf)
    assert [part.reused for part in again] == [True, False]
    assert compiler.press(HOME, [written(store, "server")], store, shelf) == []


def test_a_module_that_changed_is_compiled_alone(small, tmp_path):
    """What others of its layer came to is kept; the layer is that of compiling all of them."""
    store, below, compiler, shelf = small
    larder, asked = Larder(tmp_path / "larder"), []
    one = replace(compiler, engine=lambda: pressing(asked))
    files = {f"{SERVE}/{name}.py": b"import os\nFIRST = ('os', 'one')\n" for name in "abcd"}
    files[f"{SERVE}/old.py"] = b"no Python of this version"
    one.press(HOME, [below[0], written(store, "server", **files)], store, shelf, larder)
    assert [len(names) for names in asked] == [5, 1]
    changed = written(store, "server", **files | {f"{SERVE}/b.py": b"FIRST = ('os', 'two')\n"})
    made = one.press(HOME, [below[0], changed], store, shelf, larder)
    assert asked[2:] == [[f"{SERVE}/b.py"]]
    whole = one.press(HOME, [below[0], changed], store, Shelf(store, tmp_path / "no", Talk()))
    assert [part.descriptor for part in made] == [part.descriptor for part in whole]
    assert [len(names) for names in asked[3:]] == [5, 1]
    assert len(contents(made[1], store)) == 4


def test_only_bytecode_of_what_was_asked_for_is_taken(small):
    """Whatever else the interpreter of an image writes: other modules, files, links."""
    store, below, compiler, shelf = small
    engine = compiling("os.cpython-313.pyc", "passwd", "app.pyc")
    one = replace(compiler, engine=lambda: engine)
    made = one.press(HOME, below, store, shelf)
    assert [len(contents(part, store)) for part in made] == [1, 1]
    assert {spec.network for spec in engine.ran} == {"none"}


def test_another_platform_needs_the_same_upstream_version_of_the_interpreter(small):
    """Whichever revision of it; then this machine's is right, else the refusal names both."""
    store, below, compiler, shelf = small
    assert compiler.press(lock("linux/arm64", "3.13.5-2+deb13u1"), below, store, shelf)
    newer = written(store, "base", **{"usr/lib/python3.13/asyncio/tasks.py": b"a = 2\n"})
    with pytest.raises(PackageError) as refused:
        compiler.press(lock("linux/arm64", "3.13.6-2"), [newer], store, shelf)
    assert "3.13.6," in refused.value.what
    assert "3.13.5." in refused.value.what
    assert "Delete sealift.lock" in refused.value.remedy
    untold = msgspec.structs.replace(lock("linux/arm64", ""), base=())
    with pytest.raises(PackageError, match="not told"):
        compiler.press(untold, [newer], store, shelf)
    own = msgspec.structs.replace(untold, standalone=Standalone(archive="a", sha256="0"))
    with pytest.raises(PackageError, match=r"Name a base or an interpreter .* linux/amd64 too"):
        compiler.press(own, [newer], store, shelf)


def test_what_is_made_already_asks_for_no_interpreter(small):
    """An image's bytecode is known by its own interpreter, not by that of whoever compiles."""
    store, below, compiler, shelf = small
    abroad = lock("linux/arm64", "3.13.5-3")
    made = compiler.press(abroad, below, store, shelf)

    def gone():
        raise SourceError("The mirror is away.")

    there = replace(compiler, home=gone, engine=none)
    assert there.press(abroad, below, store, shelf) == [reused(one) for one in made]
    other = written(store, "base", **{"usr/lib/python3.13/asyncio/base.py": b""})
    with pytest.raises(PackageError, match=r"linux/arm64 is compiled by .* The mirror is away\."):
        there.press(abroad, [other, *below], store, shelf)


def test_where_no_container_can_run_nothing_is_compiled(small):
    """And an interpreter that fails is no image without bytecode, but an error with its words."""
    store, below, compiler, shelf = small
    with pytest.raises(PackageError, match="No container engine works") as refused:
        replace(compiler, engine=none).press(HOME, below, store, shelf)
    assert refused.value.where == "sealift.toml: image.bytecode"
    assert refused.value.remedy.startswith("Install podman. Or build on another machine")
    assert "bytecode = false" in refused.value.remedy

    def program(spec):
        Path(spec.log).write_text("Illegal instruction\n")
        return 132

    one = replace(compiler, engine=lambda: MemoryEngine(program))
    with pytest.raises(PackageError, match=r"ended with 132.*\n.*Illegal instruction"):
        one.press(HOME, below, store, shelf)
    assert compiler.press(HOME, below, store, shelf)


def test_a_disk_that_is_full_is_said_and_nothing_is_kept(small, tmp_path):
    """Where the sources find room and their bytecode none; with room again all is as ever."""
    store, below, compiler, shelf = small
    text = b"TEXT = '" + b"x" * 3_000_000 + b"'\n"
    large = written(store, "base", **{"usr/lib/python3.13/asyncio/large.py": text})
    try:
        with small_disk(tmp_path / "disk", 16 << 20) as volume:
            one = replace(compiler, folders=Folders(volume), engine=pressing)
            with filled(volume, 4_000_000), pytest.raises(MachineError, match="no space left"):
                one.press(HOME, [large, below[1]], store, shelf)
            assert list(volume.rglob("*.py*")) == []
            made = one.press(HOME, [large, below[1]], store, shelf)
            assert [part.reused for part in made] == [False, True]
    except FailedError as error:
        if "mount" not in str(error) or os.environ.get("CI"):
            raise
        pytest.skip("Only root may mount a small disk here.")
    (content,) = contents(made[0], store).values()
    assert len(content) > len(text)


def building(root):
    """A builder with this machine's engine, its store, and the engine."""
    folders = Folders(root)
    store = Layout(folders.layout, folders.unpacked)
    engine = adapter("engine", choose("auto"))(store, folders.live / "containers", ())
    return Builder(Project(name="real"), folders, store, Talk(), lambda: engine), store, engine


def pressed(build, store, notes):
    """The layers of a server, what compiles for them, and their bytecode, made anew."""
    below = build.serving_image(None).layers
    compiler = build.compiler(build.lock(), below)
    return below, compiler, compiler.press(build.lock(), below, store, Shelf(store, notes, Talk()))


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """The layers of a server on the real base, with their bytecode."""
    folders = Folders(tmp_path_factory.mktemp("bytecode") / "project")
    folders.root.mkdir()
    build, store, engine = building(folders.root)
    yield store, engine, folders, build.lock(), *pressed(build, store, folders.state / "layers")
    remove(folders.root)


@pytest.mark.network
@pytest.mark.engine
def test_a_server_with_bytecode_compiles_nothing_at_its_start(real, tmp_path):
    """But for one file of the distribution that is a link; without, hundreds of modules."""
    store, engine, _, locked, below, _, made = real
    counts = []
    for layers in (below, [*below, *made]):
        config = images.serving_config(locked.variant, layers, {}, locked.stands)
        log = tmp_path / f"log-{len(layers)}"
        spec = ContainerSpec(
            name="started",
            image=images.write(store, config, layers).digest,
            argv=("/usr/bin/python3", "-v", "-c", STARTED),
            env={"PYTHONPATH": "/opt/sealift"},
            log=str(log),
        )
        assert engine.run(spec).status == 0
        compiled = [
            line.removeprefix(FROM)
            for line in log.read_text().splitlines()
            if line.startswith(FROM) and line.endswith(".py")
        ]
        counts.append({path for path in compiled if not path.endswith("/sitecustomize.py")})
    assert len(counts[0]) > 250
    assert counts[1] == set()


@pytest.mark.network
@pytest.mark.engine
def test_the_same_modules_come_out_as_the_same_bytes(real, tmp_path, monkeypatch):
    """Whatever this machine's settings, and whatever else is compiled beside them."""
    store, _, _, locked, below, compiler, made = real
    monkeypatch.setenv("PYTHONHASHSEED", "77")
    monkeypatch.setenv("PYTHONOPTIMIZE", "2")
    monkeypatch.setenv("LANG", "tr_TR.UTF-8")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    again = compiler.press(locked, below, store, Shelf(store, tmp_path / "one", Talk()))
    assert [one.descriptor for one in again] == [one.descriptor for one in made]
    mixed = [msgspec.structs.replace(one, role="packages") for one in below]
    (whole,) = compiler.press(locked, mixed, store, Shelf(store, tmp_path / "two", Talk()))
    apart = {name: content for one in made for name, content in contents(one, store).items()}
    assert contents(whole, store) == apart
    assert len(apart) > 350
    assert all(io.BytesIO(content).read(8)[4:] == b"\1\0\0\0" for content in apart.values())


@pytest.mark.network
@pytest.mark.engine
def test_a_kill_while_modules_are_compiled_leaves_nothing_half(real, tmp_path):
    """The container goes with whoever asked for it, and the next attempt has all of it."""
    store, _, folders, locked, below, compiler, made = real
    words = [sys.executable, "-c", COMPILE, folders.root, Path(__file__).parent, tmp_path / "cut"]
    child = subprocess.Popen([str(word) for word in words])
    scratch = folders.state / "scratch"
    try:
        for _ in range(3000):
            if any(scratch.glob("*/out/**/*.pyc")):
                break
            assert child.poll() is None
            time.sleep(0.01)
    finally:
        child.kill()
        child.wait()
    assert not [path for path in (tmp_path / "cut").rglob("*") if path.is_file()]
    again = compiler.press(locked, below, store, Shelf(store, tmp_path / "cut", Talk()))
    assert [one.descriptor for one in again] == [one.descriptor for one in made]
    assert [one.reused for one in again] == [False, False]
    assert list(scratch.iterdir()) == []
