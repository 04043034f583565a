"""The bytecode that images have by default: one lock gives one digest, on whichever machine."""

import json

import pytest
from compilers import compiling, none
from test_images import builder, copy, model, roles

from sealift.adapters.registries.depot import RegistryDepot
from sealift.adapters.registries.push import push
from sealift.adapters.registries.session import Access
from sealift.errors import NotFoundError, PackageError
from sealift.testing.registry import RegistryServer


@pytest.fixture
def machine(world, monkeypatch, tmp_path):
    """A function from a name to a machine with the project and its lock, and a cache of its own."""

    def move(name):
        monkeypatch.setenv("SEALIFT_CACHE", str(tmp_path / f"{name}-cache"))
        return copy(world, name)

    return move


def serving(build, store, folder):
    """The image that serves the model, wherever it is made."""
    return build.serving_image(model(store, folder)[1])


def told(world):
    """What the lock says that the bytecode came to."""
    whole = json.loads((world / "sealift.lock").read_text())
    return [one for one in whole["results"] if one["role"] == "bytecode"]


def bytecode(image):
    """The layers of bytecode in an image: what they hold, and their digests."""
    return {one.holds: one.descriptor.digest for one in image.layers if one.role == "bytecode"}


def test_two_machines_with_one_lock_make_one_image(world, machine, tmp_path):
    """Each with an engine, a folder and a cache of its own; what they compile is agreed on."""
    build, store, _ = builder(world)
    made = serving(build, store, tmp_path / "model")
    assert set(bytecode(made)) == {"", "server"}
    engine = compiling()
    again, there, talk = builder(machine("second"), engine=lambda: engine)
    assert serving(again, there, tmp_path / "again").digest == made.digest
    assert len(engine.ran) == 2
    assert not any("came out different" in text for _, text in talk.steps)


def test_the_lock_tells_of_the_libraries_bytecode_alone(world, tmp_path):
    """That of Sealift's own modules is another one with each version, as the server is."""
    build, store, _ = builder(world)
    image = serving(build, store, tmp_path / "model")
    (one,) = told(world)
    assert [layer["descriptor"]["digest"] for layer in one["layers"]] == [bytecode(image)[""]]
    text = (world / "sealift.lock").read_text()
    serving(*builder(world)[:2], tmp_path / "model")
    assert (world / "sealift.lock").read_text() == text


def test_a_lock_from_before_only_gains_what_the_bytecode_came_to(world, tmp_path):
    """Nothing is locked again."""
    build, store, _ = builder(world)
    made = serving(build, store, tmp_path / "model")
    whole = json.loads((world / "sealift.lock").read_text())
    before = [one for one in whole["results"] if one["role"] != "bytecode"]
    (world / "sealift.lock").write_text(json.dumps(whole | {"results": before}))
    build, store, _ = builder(world)
    assert serving(build, store, tmp_path / "model").digest == made.digest
    assert json.loads((world / "sealift.lock").read_text()) == whole


def test_it_is_said_when_another_interpreter_comes_to_other_bytes(world, machine, tmp_path):
    """Of the same sources, by the same code: the image is not the one that others make."""
    made = serving(*builder(world)[:2], tmp_path / "model")
    build, there, talk = builder(machine("odd"), engine=lambda: compiling(content=b"odd"))
    assert serving(build, there, tmp_path / "again").digest != made.digest
    said = [text for _, text in talk.steps if "came out different" in text]
    assert len(said) == 1
    assert said[0].startswith("The bytecode layer")


def test_a_machine_without_an_engine_takes_it_from_the_registry(world, machine, tmp_path):
    """By the digests in the lock; Sealift's own is in its cache, by another project's image."""
    build, store, _ = builder(world)
    made = serving(build, store, tmp_path / "model")
    with RegistryServer() as server:
        push(store, made.digest, f"{server.host}/team/flights:1")
        folder = machine("bare")
        other = copy(world, "other")
        (other / "requirements.txt").write_text("numpy==2.3\n")
        serving(*builder(other)[:2], tmp_path / "other-model")
        depot = RegistryDepot(f"{server.host}/team/flights", Access())
        again, there, talk = builder(folder, engine=none, depot=depot)
        assert serving(again, there, tmp_path / "again").digest == made.digest
    taken = [text for _, text in talk.steps if "is taken as sealift.lock names it" in text]
    assert len(taken) == 1
    assert "bytecode layer" in taken[0]
    assert "No container engine works" in taken[0]


def test_where_it_can_be_neither_made_nor_had_the_image_is_refused(world, machine, tmp_path):
    """Not made without; unless the project file says that it has none."""
    build, store, _ = builder(world)
    serving(build, store, tmp_path / "model")
    folder = machine("bare")
    text = (folder / "sealift.lock").read_text()
    bare, there, _ = builder(folder, engine=none)
    _, record = model(there, tmp_path / "again")
    with pytest.raises(PackageError, match="in a container, and none can be run here") as refused:
        bare.serving_image(record)
    assert "bytecode = false" in refused.value.remedy
    assert (folder / "sealift.lock").read_text() == text
    with pytest.raises(NotFoundError):
        there.resolve("flights:1")
    without, there, _ = builder(folder, engine=none, bytecode=False)
    image = serving(without, there, tmp_path / "again")
    assert "bytecode" not in roles(image)
    assert (folder / "sealift.lock").read_text() == text


def test_a_hermetic_machine_compiles_too(world, tmp_path):
    """Nothing of a package runs for it: only building wheels is refused."""
    engine = compiling()
    build, store, _ = builder(world, engine=lambda: engine, hermetic=True)
    assert set(bytecode(serving(build, store, tmp_path / "model"))) == {"", "server"}
    assert {spec.network for spec in engine.ran} == {"none"}
