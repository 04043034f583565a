"""Bytecode in images: what is compiled, by whom, and that it repeats."""

import io
import tarfile
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from test_images import Talk

from sealift.adapters.engines.choice import choose
from sealift.adapters.stores.layout import Layout
from sealift.adapters.stores.trees import remove
from sealift.adapters.table import adapter
from sealift.archive import Entry
from sealift.errors import PackageError
from sealift.folders import Folders
from sealift.layers import plain
from sealift.package import image as images
from sealift.package import layer
from sealift.package.builder import Builder
from sealift.package.bytecode import Compiler
from sealift.package.layer import Part
from sealift.package.modules import Modules
from sealift.package.shelf import Shelf
from sealift.record.container import ContainerSpec
from sealift.record.lock import Deb, Lock
from sealift.record.project import Project
from sealift.testing.engine import MemoryEngine
from sealift.testing.store import MemoryStore

SERVE = "opt/sealift/sealift/serve"
STARTED = "import sealift.container, sealift.serve.errand, sealift.serve.server, onnxruntime"
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


@pytest.fixture
def small(tmp_path):
    """A base and a server of a module each, their store, and what compiles them in memory."""
    store = MemoryStore(tmp_path / "store")
    base = written(store, "base", **{"usr/lib/python3.13/asyncio/tasks.py": b"a = 1\n"})
    server = written(store, "server", **{f"{SERVE}/app.py": b"b = 2\n"})
    folders = Folders(tmp_path / "project")
    modules = Modules(tmp_path / "modules")
    compiler = Compiler(lock("linux/amd64", "3.13.5-2"), [base], store, folders, None, modules)
    return store, [base, server], compiler, Shelf(store, tmp_path / "notes", Talk())


def compiling(*more, content=b"compiled"):
    """A container that compiles each source to its name, and writes further files."""

    def program(spec):
        given, out = (Path(one.source) for one in spec.mounts[1:])
        for name in (given / "names").read_text().split():
            source = Path(name)
            cached = out / source.parent / "__pycache__" / f"{source.stem}.cpython-313.pyc"
            cached.parent.mkdir(parents=True, exist_ok=True)
            cached.write_bytes(content + name.encode())
            for one in more:
                (cached.parent / one).write_bytes(b"planted")
            (cached.parent / f"{source.stem}.other-1.pyc").symlink_to("/etc/passwd")
        return 0

    return MemoryEngine(program)


def test_bytecode_lies_where_the_interpreter_looks_for_it(small):
    """That of the server apart from all else, so that other code of it leaves the rest alone."""
    store, below, compiler, shelf = small
    one = replace(compiler, engine=compiling)
    made = one.press(one.lock, below, store, shelf)
    assert [(part.role, part.holds) for part in made] == [("bytecode", ""), ("bytecode", "server")]
    assert [list(contents(part, store)) for part in made] == [
        ["usr/lib/python3.13/asyncio/__pycache__/tasks.cpython-313.pyc"],
        [f"{SERVE}/__pycache__/app.cpython-313.pyc"],
    ]
    other = written(store, "server", **{f"{SERVE}/app.py": b"b = 3\n"})
    again = one.press(one.lock, [below[0], other], store, shelf)
    assert [part.reused for part in again] == [True, False]
    assert one.press(one.lock, [written(store, "server")], store, shelf) == []


def test_only_bytecode_of_what_was_asked_for_is_taken(small):
    """Whatever else the interpreter of an image writes: other modules, files, links."""
    store, below, compiler, shelf = small
    engine = compiling("os.cpython-313.pyc", "passwd", "app.pyc")
    one = replace(compiler, engine=lambda: engine)
    made = one.press(one.lock, below, store, shelf)
    assert [len(contents(part, store)) for part in made] == [1, 1]
    assert {spec.network for spec in engine.ran} == {"none"}


def test_another_platform_needs_the_same_version_of_the_interpreter(small):
    """Then what this machine's makes is right for it; else the refusal names both."""
    store, below, compiler, shelf = small
    one = replace(compiler, engine=compiling)
    assert one.press(lock("linux/arm64", "3.13.5-2"), below, store, shelf)
    with pytest.raises(PackageError) as refused:
        one.press(lock("linux/arm64", "3.13.5-3"), below, store, shelf)
    assert "3.13.5-3" in refused.value.what
    assert "3.13.5-2" in refused.value.what
    assert "linux/arm64" in refused.value.remedy
    with pytest.raises(PackageError, match="not told"):
        one.press(msgspec.structs.replace(lock("linux/arm64", ""), base=()), below, store, shelf)


def test_where_no_container_may_run_nothing_is_compiled(small):
    """And an interpreter that fails is no image without bytecode, but an error with its words."""
    store, below, compiler, shelf = small
    with pytest.raises(PackageError, match="no container may"):
        compiler.press(compiler.lock, below, store, shelf)

    def program(spec):
        Path(spec.log).write_text("Illegal instruction\n")
        return 132

    one = replace(compiler, engine=lambda: MemoryEngine(program))
    with pytest.raises(PackageError, match=r"ended with 132.*\n.*Illegal instruction"):
        one.press(one.lock, below, store, shelf)


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """The layers of a server on the real base, with their bytecode."""
    folders, talk = Folders(tmp_path_factory.mktemp("bytecode") / "project"), Talk()
    folders.root.mkdir()
    store = Layout(folders.layout, folders.unpacked)
    engine = adapter("engine", choose("auto"))(store, folders.live / "containers", ())
    builder = Builder(Project(name="real"), folders, store, talk, engine=lambda: engine)
    below = builder.serving_image(None).layers
    compiler = builder.compiler(builder.lock(), below)
    shelf = Shelf(store, folders.state / "layers", talk)
    made = compiler.press(builder.lock(), below, store, shelf)
    yield store, engine, folders, builder.lock(), below, compiler, made
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
