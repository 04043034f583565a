"""Wheels built from source distributions: recorded, found again, refused; containers in memory."""

import json
import os
from pathlib import Path

import msgspec
import pytest
from archives import sdist, wheel
from evidence_world import making
from test_bom_document import SCHEMA
from test_images import Talk, copy, roles

from sealift import digest
from sealift.adapters.registries.depot import RegistryDepot
from sealift.adapters.registries.push import push
from sealift.adapters.registries.session import Access
from sealift.adapters.stores.layout import Layout
from sealift.errors import MachineError, PackageError, ProjectError
from sealift.folders import Folders
from sealift.network.logins import signed_in
from sealift.package import bom, locking, pep517, provenance
from sealift.package.builder import Builder
from sealift.package.contents import Reader
from sealift.record import lock as locks
from sealift.record.image_settings import ImageSettings
from sealift.record.lock import Built, Variant
from sealift.record.project import Project
from sealift.testing.engine import MemoryEngine
from sealift.testing.registry import RegistryServer

PROJECT = '[build-system]\nrequires = ["mould"]\nbuild-backend = "mould"\n'
OTHER = "linux/arm64" if locking.here() == "linux/amd64" else "linux/amd64"


class Yard:
    """A project whose package ``seedling`` is to be built, and what its container does.

    ``more`` is what the backend asks for once it runs; ``tag`` that of the wheels it makes.
    """

    def __init__(self, root, **settings):
        self.root, self.folders = root, Folders(root)
        self.store, self.talk = Layout(self.folders.layout, self.folders.unpacked), Talk()
        self.engine = MemoryEngine(self.run)
        self.settings = {"build": ["Seedling"], **settings}
        self.more, self.known, self.tag, self.version = [], [], "py3-none-any", "1.0"
        self.needs, self.said, self.status = ["click"], "", 0

    def builder(self, variant=None, depot=None, *, hermetic=False):
        """A builder that runs this container."""
        project = Project(name="flights", image=ImageSettings(**self.settings))
        given = (project, self.folders, self.store, self.talk, lambda: self.engine, variant, depot)
        return Builder(*given, hermetic=hermetic)

    def run(self, spec):
        """What happens in the container."""
        mounts = {mount.target: Path(mount.source) for mount in spec.mounts}
        self.known.append(json.loads(mounts["/in/known.json"].read_text()))
        Path(spec.log).write_text(self.said)
        if self.known[-1] is not None and not set(self.more) <= set(self.known[-1]):
            (mounts["/out"] / "requires.json").write_text(json.dumps(self.more))
            return pep517.MORE
        where = self.root.parent / "made"
        how = {"version": self.version, "needs": self.needs, "tag": self.tag}
        made = wheel(where, "seedling", **how)
        (mounts["/out"] / made.name).write_bytes(made.read_bytes())
        return self.status


@pytest.fixture
def yard(world, wheels):
    """Its index has a package that only comes as a source distribution, and what builds it."""
    for version in ("1.0", "2.0"):
        files = {"pyproject.toml": PROJECT, "setup.py": "raise SystemExit('ran on the host')\n"}
        sdist(wheels, "seedling", files, version=version)
    wheel(wheels, "mould", version="3.0")
    wheel(wheels, "lathe", version="4.0")
    wheel(wheels, "garden", needs=["seedling"])
    (world / "requirements.txt").write_text("garden\nseedling<2\n")
    return Yard(world)


def test_what_was_built_is_in_the_lock_with_all_it_was_built_from(yard, wheels):
    """The source, what built it, what came out, where; its log stays."""
    lock = yard.builder().lock()
    (one,) = lock.built
    source = digest.of_file(wheels / "seedling" / "seedling-1.0.tar.gz")
    assert (one.name, one.version, one.sdist) == ("seedling", "1.0", "seedling-1.0.tar.gz")
    assert f"sha256:{one.sha256}" == source
    assert [line.split(" --hash")[0] for line in one.requires] == ["mould==3.0"]
    assert all("--hash=sha256:" in line for line in one.requires)
    assert (one.platform, one.wheel) == (locking.here(), "seedling-1.0-py3-none-any.whl")
    assert f"seedling==1.0 --hash={one.digest}" in lock.packages
    assert yard.store.has(one.digest)
    assert "file:" not in (yard.root / "sealift.lock").read_text()
    assert (yard.folders.state / "builds" / "seedling-1.0.log").is_file()


def test_it_is_installed_for_the_steps_and_nothing_of_its_build_is(yard):
    """What the wheel itself needs comes from the index."""
    image = yard.builder().step_image()
    packages = yard.store.rootfs(image.digest) / "usr/local/lib/python3.13/dist-packages"
    assert (packages / "seedling/__init__.py").read_text() == "VERSION = '1.0'\n"
    assert (packages / "click").exists()
    assert not (packages / "mould").exists()


def test_the_container_has_the_build_and_no_network(yard, archive):
    """Its image has what the build needs, and the Debian packages that only builds get."""
    archive.add("chisel", {"usr/bin/chisel": b"#!chisel"})
    archive.publish()
    yard.settings["build_debian"] = ["chisel"]
    lock = yard.builder().lock()
    (spec,) = yard.engine.ran
    root = yard.store.rootfs(spec.image)
    assert (root / "usr/local/lib/python3.13/dist-packages/mould").is_dir()
    assert (root / "usr/bin/chisel").is_file()
    assert [deb.name for deb in lock.tools] == ["chisel"]
    assert not (yard.store.rootfs(yard.builder().step_image().digest) / "usr/bin/chisel").exists()
    assert spec.network == "none"
    assert {mount.target for mount in spec.mounts if mount.writable} == {"/kiln", "/out"}
    assert spec.env["PYTHONHASHSEED"] == "0"
    assert spec.env["SOURCE_DATE_EPOCH"].isdigit()


def test_what_a_backend_asks_for_when_it_runs_is_locked_too(yard):
    """The build starts again with it, once."""
    yard.more = ["lathe>=4"]
    (one,) = yard.builder().lock().built
    assert [line.split(" --hash")[0] for line in one.requires] == ["lathe==4.0", "mould==3.0"]
    assert yard.known == [[], ["lathe>=4"]]


@pytest.mark.parametrize(
    "line", ["--index-url=https://evil.example", "a\n-r /etc/hosts", "a @ file:///etc/hosts"]
)
def test_neither_options_nor_addresses_come_from_a_source(yard, line):
    """What a backend asks for is a name and versions."""
    yard.more = [line]
    with pytest.raises(PackageError, match="not the name of a package"):
        yard.builder().lock()
    assert len(yard.engine.ran) == 1


def test_a_backend_that_leaves_a_trap_harms_nothing(yard):
    """A pipe where its list should be would keep a reader waiting."""

    def trap(spec):
        out = next(Path(one.source) for one in spec.mounts if one.target == "/out")
        os.mkfifo(out / "requires.json")
        return pep517.MORE

    yard.engine = MemoryEngine(trap)
    with pytest.raises(PackageError, match="ended with status 3"):
        yard.builder().lock()


def test_a_backend_that_never_has_enough_is_an_error(yard):
    """It is not asked a third time."""
    yard.engine = MemoryEngine(lambda _: pep517.MORE)
    with pytest.raises(PackageError, match=r"seedling-1\.0\.tar\.gz ended with status 3"):
        yard.builder().lock()
    assert len(yard.engine.ran) == 1


def test_the_same_is_not_built_twice(yard):
    """Not when other requirements change, nor when the image is made."""
    yard.builder().lock()
    (yard.root / "requirements.txt").write_text("garden\nseedling<2\nclick\n")
    yard.builder().lock()
    yard.builder().step_image()
    assert len(yard.engine.ran) == 1


def test_without_the_setting_nothing_is_built(yard):
    """The error says which setting that is."""
    yard.settings["build"] = []
    with pytest.raises(PackageError, match="No wheel of seedling fits") as caught:
        yard.builder().lock()
    assert 'add ["seedling"] to image.build' in caught.value.remedy
    assert not yard.engine.ran


def test_hermetic_names_what_would_be_built(yard):
    """And takes what was built before."""
    with pytest.raises(PackageError, match=r"seedling-1\.0\.tar\.gz would have to be built"):
        yard.builder(hermetic=True).lock()
    yard.builder().lock()
    assert yard.builder(hermetic=True).step_image()


def test_a_failed_build_says_what_it_said(yard):
    """With what to do; the lock is not written."""
    yard.status, yard.said = 1, "compiling\nerror: command 'gcc' failed\n"
    with pytest.raises(PackageError, match="command 'gcc' failed") as caught:
        yard.builder().lock()
    assert "build_debian" in caught.value.remedy
    assert caught.value.where.endswith("seedling-1.0.log")
    assert not (yard.root / "sealift.lock").exists()


def test_a_build_that_gives_something_else_is_refused(yard):
    """Another version than its source says, here."""
    yard.version = "9.9"
    with pytest.raises(PackageError, match=r"gave seedling-9\.9-py3-none-any\.whl"):
        yard.builder().lock()


def test_an_engine_that_cannot_isolate_builds_nothing(yard):
    """It says so before anything runs."""
    weak = msgspec.structs.replace(yard.engine.guarantees(), network_isolated=False)
    yard.engine = MemoryEngine(yard.run, guarantees=weak)
    with pytest.raises(MachineError, match="away from the network"):
        yard.builder().lock()
    assert not yard.engine.ran


def test_what_does_not_fit_together_tells_which_version_was_built(yard, wheels):
    """The newest that the requirements allow is not always that which others want."""
    wheel(wheels, "picky", needs=["seedling>=2"])
    (yard.root / "requirements.txt").write_text("seedling<2\npicky\n")
    with pytest.raises(PackageError, match="picky") as caught:
        yard.builder().lock()
    assert "Built were seedling==1.0" in caught.value.remedy


@pytest.mark.parametrize(
    "line", ["seedling @ https://host.example/seedling.zip", "seedling@file:///x"]
)
def test_an_address_in_place_of_a_version_is_refused(yard, line):
    """Which file it is has to come from the index."""
    (yard.root / "requirements.txt").write_text(f"{line}\n")
    with pytest.raises(ProjectError, match="name an address"):
        yard.builder().lock()


def test_a_package_that_the_index_lacks_is_named(yard):
    """In the words of the setting."""
    yard.settings["build"] = ["sedling"]
    with pytest.raises(PackageError, match="sedling") as caught:
        yard.builder().lock()
    assert caught.value.where == "sealift.toml: image.build"


@pytest.fixture
def second(yard, world):
    """Another machine with the project and its lock, before anything was made there."""
    yard.lock = yard.builder().lock()

    def move():
        return Yard(copy(world, "second"))

    return move


def test_another_machine_builds_the_same_again(second, yard):
    """From the lock alone: it is as it was."""
    there = second()
    image = there.builder().step_image()
    assert image.digest == yard.builder().step_image().digest
    assert there.known == [None]
    assert (
        locks.decode(there.folders.lock.read_bytes()).of(Variant(platform=locking.here()))
        == yard.lock
    )


def test_another_wheel_than_the_locks_is_an_error_with_both_digests(second, yard):
    """Nobody but the registry can decide then."""
    there = second()
    there.needs = ["numpy"]
    with pytest.raises(PackageError, match="neither in the store nor in the registry") as caught:
        there.builder().step_image()
    assert yard.lock.built[0].digest in caught.value.what
    assert caught.value.what.count("sha256:") == 2


def test_the_wheel_of_the_registry_is_taken_unbuilt(second, yard):
    """It was pushed beside the image."""
    image = yard.builder().step_image()
    there = second()
    with RegistryServer() as server:
        push(yard.store, image.digest, f"{server.host}/team/flights:steps")
        depot = RegistryDepot(f"{server.host}/team/flights", Access())
        assert there.builder(depot=depot, hermetic=True).step_image().digest == image.digest
    assert not there.engine.ran


def test_a_source_that_was_replaced_is_refused(second, wheels, monkeypatch, tmp_path):
    """The index gives another file under the same name."""
    there = second()
    sdist(wheels, "seedling", {"pyproject.toml": PROJECT + "# other\n"})
    monkeypatch.setenv("SEALIFT_CACHE", str(tmp_path / "other-cache"))
    with pytest.raises(PackageError, match="The index has seedling") as caught:
        there.builder().step_image()
    assert caught.value.what.count("sha256:") == 2
    assert not there.engine.ran


@pytest.fixture
def both(yard, archive, wheels):
    """The same for two platforms."""
    archive.publish(arches=("amd64", "arm64"))
    return yard


def test_a_pure_wheel_serves_every_platform(both):
    """It is built once, here."""
    there = both.builder(Variant(platform=OTHER)).lock()
    assert there.built == both.builder().lock().built
    assert "packages" in roles(both.builder(Variant(platform=OTHER)).step_image())
    assert len(both.engine.ran) == 1


def test_a_wheel_for_this_platform_is_refused_for_others(both):
    """Named, with its platform; here it is taken."""
    arch = "x86_64" if locking.here() == "linux/amd64" else "aarch64"
    both.tag = f"cp313-cp313-linux_{arch}"
    assert both.builder().lock().built[0].wheel.endswith(f"{arch}.whl")
    with pytest.raises(PackageError, match=r"seedling-1\.0\.tar\.gz cannot be built for") as caught:
        both.builder(Variant(platform=OTHER)).lock()
    assert arch in caught.value.what


def test_documents_name_the_source_of_a_wheel(tmp_path):
    """The provenance also what built it; the bill is valid by its schema."""
    store = Layout(tmp_path / "layout", tmp_path / "unpacked")
    made = making(store, tmp_path)
    built = Built(
        name="forest",
        version="1.0",
        sdist="forest-1.0.tar.gz",
        sha256="1" * 64,
        requires=(f"mould==3.0 --hash=sha256:{'2' * 64}",),
        platform="linux/amd64",
        wheel="forest-1.0-py3-none-any.whl",
        digest=digest.of_bytes(b"wheel"),
        size=5,
    )
    made = msgspec.structs.replace(made, lock=msgspec.structs.replace(made.lock, built=(built,)))
    reader = Reader(store, tmp_path / "notes")
    layers = [layer for layer in made.image.layers if layer.role != "model"]
    bill = bom.document(made, [(layer, reader.contents(layer)) for layer in layers])
    (one,) = [part for part in bill["components"] if part["name"] == "forest"]
    (source,) = one["pedigree"]["ancestors"]
    assert source["hashes"] == [{"alg": "SHA-256", "content": "1" * 64}]
    assert [error.message for error in SCHEMA.iter_errors(bill)] == []
    told = provenance.predicate(made)["buildDefinition"]["resolvedDependencies"]
    found = {part.get("uri"): part.get("digest") for part in told}
    assert found["pkg:pypi/forest@1.0?file_name=forest-1.0.tar.gz"] == {"sha256": "1" * 64}
    assert found["pkg:pypi/mould@3.0"] == {"sha256": "2" * 64}


def test_files_of_an_index_are_asked_for_with_its_login(tmp_path):
    """As uv does: that of the address, else of the file of logins; never at another host."""
    file = tmp_path / "netrc"
    file.write_text("machine index.example login me password w/rd\n")
    environment = {"NETRC": str(file), "UV_DEFAULT_INDEX": "https://you:key@other.example/simple"}
    assert signed_in("https://index.example/a", environment) == "https://me:w%2Frd@index.example/a"
    assert signed_in("https://other.example/a", environment) == "https://you:key@other.example/a"
    assert signed_in("http://other.example/a", environment) == "http://other.example/a"
    file.write_text("machine\n")
    with pytest.raises(MachineError, match="file of logins"):
        signed_in("https://index.example/a", environment)
