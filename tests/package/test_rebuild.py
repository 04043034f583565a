"""An image is made again from its lock, anywhere, and compared byte by byte."""

import shutil

import evidence_world
import msgspec
import pytest
from compilers import compiling, none
from test_images import builder, model

import sealift
from sealift import digest
from sealift.adapters.registries.push import push
from sealift.adapters.signers.keyfile import KeyFile
from sealift.archive import Entry
from sealift.chapters import remaking
from sealift.errors import IntegrityError, NotFoundError
from sealift.folders import Folders
from sealift.network.network import Network
from sealift.package import attached, evidence, image, layer
from sealift.package.layer import Part, sorted_entries
from sealift.package.making import Making
from sealift.package.rebuild import rebuild
from sealift.package.shelf import Shelf
from sealift.package.stack import Stack
from sealift.record.comparison import Comparison
from sealift.record.image import LOCK
from sealift.record.image_settings import ImageSettings
from sealift.record.lock import Variant
from sealift.testing.registry import RegistryServer
from sealift.testing.store import MemoryStore
from sealift.wiring import Wired


def again(world, store, made, talk, build=None):
    """The comparison of an image with what comes of making it again, with a builder's compiler."""
    build = build or builder(world)[0]
    lock = attached.find(made.lock, store)
    room, folders = MemoryStore(world.with_name("room")), Folders(world)
    shelf = Shelf(room, world.with_name("notes"), talk)
    stack = Stack(lock, ImageSettings(), folders, Network(), shelf, talk, lambda *_: {})

    def press(there, layers):
        return build.compiler(lock, there).press(lock, layers, room, shelf)

    return rebuild(made.digest, lock, stack, press, store, room)


def bytecode(found):
    """How the layers of bytecode came about."""
    return [(part.role, part.how) for part in found.layers if part.role.startswith("bytecode")]


@pytest.fixture
def packaged(world, tmp_path):
    """An image that serves, its store, and what is said."""
    build, store, talk = builder(world)
    _, record = model(store, tmp_path / "model")
    return build.serving_image(record), store, talk


def test_an_image_made_again_is_the_same_bytes(world, packaged):
    """Every layer from its packages, but for those of the model."""
    made, store, talk = packaged
    found = again(world, store, made, talk)
    assert found.same
    assert found.again == made.digest
    assert {part.role: part.how for part in found.layers} == {
        "base": "made",
        "runtime": "made",
        "server": "made",
        "bytecode": "made",
        "bytecode server": "made",
        "model": "taken",
    }


def test_bytecode_is_made_again_too_where_that_can_be_done(world, tmp_path):
    """Else it is taken; what another interpreter makes of the same sources is found out."""
    build, store, talk = builder(world)
    _, record = model(store, tmp_path / "model")
    made = build.serving_image(record)
    found = again(world, store, made, talk, build)
    assert found.same
    assert bytecode(found) == [("bytecode", "made"), ("bytecode server", "made")]
    for folder in ("elsewhere", "other"):
        shutil.copytree(world, tmp_path / folder / "project")
    without, _, _ = builder(world, engine=none)
    found = again(tmp_path / "elsewhere" / "project", store, made, talk, without)
    assert found.same
    assert bytecode(found) == [("bytecode", "taken")] * 2
    other, _, _ = builder(world, engine=lambda: compiling(content=b"other"))
    found = again(tmp_path / "other" / "project", store, made, talk, other)
    with pytest.raises(IntegrityError, match="came out different: bytecode"):
        remaking.same([found])


def test_only_images_that_serve_a_model_have_bytecode(world):
    """Neither those of the steps nor that which learns about a model: nothing is compiled."""
    engine = compiling()
    build, _, _ = builder(world, engine=lambda: engine)
    for made in (build.step_image(), build.serving_image(None)):
        assert "bytecode" not in [one.role for one in made.layers]
    assert engine.ran == []


def test_the_image_of_the_steps_can_be_made_again_too(world):
    """With its shell and all packages."""
    build, store, talk = builder(world)
    assert again(world, store, build.step_image(), talk).same


def test_an_image_that_was_tampered_with_is_found_out(world, packaged):
    """The layer and the file are named, although the manifest is sound in itself."""
    made, store, talk = packaged
    evil = Entry("usr/local/lib/python3.13/dist-packages/numpy/__init__.py", "file", content=b"!")
    put = layer.write(store, "runtime", Part("", sorted_entries([evil])))
    layers = [made.layers[0], put, *made.layers[2:]]
    notes = store.manifest(made.digest).annotations
    config = image.serving_config(Variant(platform=made.platform), layers, notes)
    kept = image.write(store, config, layers, notes)
    found = again(world, store, msgspec.structs.replace(made, digest=kept.digest), talk)
    assert not found.same
    (unlike,) = [part for part in found.layers if not part.same]
    assert unlike.role == "runtime"
    assert unlike.differs[0] == evil.name
    with pytest.raises(IntegrityError, match="came out different: runtime"):
        remaking.same([found])


def test_a_layer_whose_packages_are_gone_is_taken_and_said_to_be(
    world, archive, tmp_path, packaged
):
    """With the names of the packages; the others are made again."""
    made, store, talk = packaged
    (archive.folder / "pool/tzdata_1.0_amd64.deb").unlink()
    for path in (tmp_path / "cache" / "debs").rglob("*"):
        if path.is_file():
            path.unlink()
    found = again(world, store, made, talk)
    assert found.same
    base = found.layers[0]
    assert base.how == "taken"
    assert "tzdata 1.0" in base.because
    assert {part.how for part in found.layers if part.role in ("runtime", "server")} == {"made"}


def test_what_others_made_cannot_be_made_again(world, packaged):
    """Nothing tells how."""
    made, store, talk = packaged
    config = image.serving_config(Variant(platform=made.platform), made.layers, {}) | {
        "history": []
    }
    kept = image.write(store, config, made.layers)
    with pytest.raises(IntegrityError, match="not made by Sealift"):
        again(world, store, msgspec.structs.replace(made, digest=kept.digest), talk)


def test_the_lock_lies_beside_the_image(packaged):
    """As a referrer, found by its digest, and kept once."""
    made, store, _ = packaged
    (kept,) = store.referrers(made.digest, LOCK)
    lock = attached.find(made.lock, store)
    assert lock.digest == made.lock
    assert attached.attach(lock, made.digest, store).digest == kept.digest
    with pytest.raises(NotFoundError, match="lock"):
        attached.find(digest.of_bytes(b"other"), store)


def test_a_remedy_tells_of_another_sealift():
    """When all but the server is the same."""
    part = {"image": digest.of_bytes(b"1"), "again": digest.of_bytes(b"2")}
    found = msgspec.convert(
        {
            **part,
            "platform": "linux/amd64",
            "lock": part["image"],
            "layers": [{"role": "server", **part}],
            "maker": "0.9",
        },
        Comparison,
    )
    with pytest.raises(IntegrityError, match="server") as caught:
        remaking.same([found])
    assert "version 0.9" in caught.value.remedy


def test_whoever_pulls_an_image_can_make_it_again(world, packaged, tmp_path):
    """On another machine, from the lock beside it, once the signer's key is trusted."""
    made, store, talk = packaged
    builders, users = KeyFile(tmp_path / "signer"), world.with_name("user")
    record = model(store, tmp_path / "model")[1]
    lock = attached.find(made.lock, store)
    making = Making(image=made, model=record, run=evidence_world.run(), lock=lock)
    evidence.attest(making, store=store, signer=builders, notes=tmp_path / "contents")
    (users / ".sealift/keys/trusted").mkdir(parents=True)
    (users / "sealift.toml").write_text('name = "others"\n')
    with RegistryServer() as server:
        push(store, made.digest, f"{server.host}/flights:1")
        with pytest.raises(IntegrityError, match="not trusted"):
            remaking.rebuild(Wired(users), f"{server.host}/flights:1", progress=talk)
        public = (tmp_path / "signer/key.pub").read_bytes()
        (users / ".sealift/keys/trusted/builder.pub").write_bytes(public)
        (found,) = remaking.rebuild(Wired(users), f"{server.host}/flights:1", progress=talk)
        shutil.rmtree(users / ".sealift/layout")
        with pytest.raises(NotFoundError, match="no registry is named that may have it"):
            remaking.rebuild(Wired(users), made.digest, progress=talk)
        registry = f'[image]\nregistry = "{server.host}/flights:other"\n'
        (users / "sealift.toml").write_text(f'name = "others"\n{registry}')
        (by_digest,) = remaking.rebuild(Wired(users), made.digest, progress=talk)
    assert found.same
    assert by_digest == found
    assert found.maker == sealift.__version__
    remaking.same([found])
