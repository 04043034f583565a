"""What becomes of a run's model and table, and how the learning container's errors are told."""

import json
from pathlib import Path

import msgspec
import pytest

from sealift import digest
from sealift.errors import DataError, PackageError, ProjectError
from sealift.record.project import ModelSettings
from sealift.record.run import Code, Machine, Run, StepRun
from sealift.testing.engine import MemoryEngine
from sealift.testing.store import MemoryStore
from sealift.train.intake import admit, output
from sealift.train.learning import Handed, learn
from sealift.types import Digest

SETTINGS = ModelSettings(origin="fit.model", task="regression", table="fit.table", target="price")
EMPTY = Digest("sha256:" + "0" * 64)


class World:
    """A run with a model and a table; ``says`` is what the container logs."""

    def __init__(self, folder):
        self.folder = folder
        self.store = MemoryStore(folder / "store")
        self.model = folder / "out" / "model"
        self.model.mkdir(parents=True)
        (self.model / "model.onnx").write_bytes(b"weights")
        (folder / "out" / "table.csv").write_text("a,price\n1,2\n")
        self.lines, self.status = [], 0
        self.engine = MemoryEngine(self.container)

    def container(self, spec):
        """Log what it was told to, and end."""
        Path(spec.log).write_text("".join(f"{line}\n" for line in self.lines))
        return self.status

    def says(self, event, **details):
        """A line of the container's log."""
        self.lines.append(json.dumps({"at": "now", "event": event, **details}))

    def learn(self):
        """Learn from what lies there."""
        run = self.run()
        return learn(
            run,
            SETTINGS,
            Handed(self.store.tree(output(run, SETTINGS.origin)), {}),
            image=EMPTY,
            folder=self.folder / "runs" / "r1" / "model",
            engine=self.engine,
            store=self.store,
        )

    def run(self):
        """The record of a run whose step wrote model and table."""
        outputs = {
            "model": self.store.put_tree(self.model),
            "table": self.store.put_tree(self.folder / "out" / "table.csv"),
        }
        step = StepRun(
            name="fit",
            status="done",
            key=EMPTY,
            leaves={},
            cached=False,
            command="",
            started=0.0,
            seconds=0.0,
            outputs=outputs,
        )
        return Run(
            id="r1",
            project="prices",
            status="done",
            started=0.0,
            finished=1.0,
            user="me",
            comment="",
            code=Code(digest=EMPTY),
            machine=MACHINE,
            image=EMPTY,
            lock=EMPTY,
            snapshots={},
            params={},
            seeds={},
            steps=(step,),
        )


MACHINE = Machine(host="h", user="me", system="", cpu="", cores=2, memory=1, engine="memory")


@pytest.fixture
def world(tmp_path):
    """A run that is to be learnt from."""
    return World(tmp_path)


def kept(world):
    """The files that travel with the model."""
    folder = world.folder / "runs" / "r1" / "model"
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_only_the_files_of_the_model_travel_with_it(world):
    """Whatever else the step put beside it, folders too, stays behind."""
    (world.model / "model.onnx.data").write_bytes(b"more")
    (world.model / "model.pkl").write_bytes(b"pickle")
    (world.model / "plots").mkdir()

    assert world.learn() == ()
    assert kept(world) == {"model.onnx": b"weights", "model.onnx.data": b"more"}


def test_a_model_that_is_a_file_gets_the_name_it_is_served_by(world):
    """The step's output may be the ONNX file itself."""
    world.model = world.model / "model.onnx"

    world.learn()

    assert kept(world) == {"model.onnx": b"weights"}


def test_doubts_are_handed_on(world):
    """In the words of the container, in their order."""
    world.says("doubtful", error="No better than the mean.")
    world.says("learnt", fields=3)

    assert world.learn() == ("No better than the mean.",)


@pytest.mark.parametrize(
    ("kind", "place", "error", "where"),
    [
        ("ProjectError", "[model] target", ProjectError, "sealift.toml: [model] target"),
        ("DataError", "table", DataError, "output fit.table"),
        ("PackageError", "model.onnx", PackageError, "output fit.model: model.onnx"),
        ("PackageError", "/in/model", PackageError, "output fit.model"),
        ("KeyboardInterrupt", "", PackageError, ""),
    ],
)
def test_an_error_in_the_container_is_told_in_terms_of_the_project(
    world, kind, place, error, where
):
    """Its kind, its sentence, its place and its remedy, not a line of a log."""
    world.status = 5
    world.says("failed", kind=kind, error="It is wrong.", where=place, remedy="Mend it.")
    world.lines.append("and then some")

    with pytest.raises(error) as told:
        world.learn()

    assert (told.value.what, told.value.where) == ("It is wrong.", where)
    assert told.value.remedy == "Mend it."


@pytest.mark.parametrize("lines", [[], ["Killed"], ['{"event": "learnt"}']])
def test_a_container_that_ends_without_a_word_is_told_with_its_log(world, lines):
    """Such as one that ran out of memory."""
    world.status, world.lines = 137, lines

    with pytest.raises(PackageError) as told:
        world.learn()

    assert "status 137" in told.value.what
    assert told.value.where.endswith("learn.log")


def test_a_pickle_beside_the_model_is_refused_until_it_is_allowed(world):
    """Whatever is in the output may be loaded by somebody."""
    pickled = b"cposix\nsystem\n(S'true'\ntR."
    (world.model / "model.pkl").write_bytes(pickled)
    run = world.run()

    with pytest.raises(PackageError) as told:
        admit(run, SETTINGS, "out/model", {}, store=world.store)
    assert "posix.system" in told.value.what
    allowing = msgspec.structs.replace(SETTINGS, allow=[digest.of_bytes(pickled)])
    admitted = admit(run, allowing, "out/model", {}, store=world.store)
    assert admitted.source.is_dir()
    assert admitted.native is None
    assert [one.path for one in admitted.allowed] == ["model.pkl"]
