"""The files of a user's own program: found as the run saw them, laid out as in the image."""

from types import SimpleNamespace

import pytest

from sealift import digest
from sealift.errors import PackageError, ProjectError
from sealift.record.project import ModelSettings
from sealift.testing.store import MemoryStore
from sealift.train.intake import admit
from sealift.train.program import code, gather


class World:
    """A run's code and its step's output, in a store."""

    def __init__(self, folder):
        self.store = MemoryStore(folder / "store")
        self.code = folder / "project"
        (self.code / "serving" / "__pycache__").mkdir(parents=True)
        (self.code / "serving" / "predict.py").write_text("1\n")
        (self.code / "serving" / "words.py").write_text("2\n")
        (self.code / "serving" / "__pycache__" / "words.cpython-313.pyc").write_bytes(b"3")
        (self.code / "ask.py").write_text("4\n")
        (self.code / "empty").mkdir()
        (self.code / "empty" / "other.py").write_text("5\n")
        self.model = folder / "model.txt"
        self.model.write_text("tree\n")

    def settings(self, predict, **more):
        """Settings that name a program."""
        return ModelSettings(
            origin="fit.model",
            task="regression",
            table="fit.table",
            target="y",
            predict=predict,
            **more,
        )

    def run(self):
        """The record of a run."""
        step = SimpleNamespace(name="fit", outputs={"model": self.store.put_tree(self.model)})
        kept = SimpleNamespace(digest=self.store.put_tree(self.code))
        return SimpleNamespace(code=kept, steps=(step,))

    def files(self, predict):
        """The program's files by name."""
        return code(self.run(), self.settings(predict), self.store)


@pytest.fixture
def world(tmp_path):
    """A world of the test's own."""
    return World(tmp_path)


def test_a_single_file_is_called_predict_in_the_image(world):
    """Whatever its name in the project."""
    assert {name: path.read_text() for name, path in world.files("ask.py").items()} == {
        "predict.py": "4\n"
    }


def test_a_folder_comes_whole_but_for_caches(world):
    """With the modules beside it."""
    assert sorted(world.files("serving")) == ["predict.py", "words.py"]
    assert world.files("") == {}


@pytest.mark.parametrize(
    ("predict", "said"), [("nowhere.py", "is no file"), ("empty", "has no predict.py")]
)
def test_a_program_that_is_not_there_is_told(world, predict, said):
    """With what would be right."""
    with pytest.raises(ProjectError, match=said) as told:
        world.files(predict)
    assert "load(folder)" in told.value.remedy


def test_program_and_files_lie_beside_each_other(world, tmp_path):
    """A single file keeps the name that the step gave it; a folder is taken whole."""
    gather(world.files("serving"), world.model, "booster.txt", tmp_path / "one")
    (tmp_path / "out" / "inner").mkdir(parents=True)
    (tmp_path / "out" / "inner" / "a.bin").write_bytes(b"a")
    gather(world.files("ask.py"), tmp_path / "out", "model", tmp_path / "two")

    found = {path.relative_to(tmp_path).as_posix() for path in digest.walk(tmp_path / "one")}
    assert found == {"one/code/predict.py", "one/code/words.py", "one/files/booster.txt"}
    assert (tmp_path / "two" / "files" / "inner" / "a.bin").read_bytes() == b"a"


def test_pickles_that_a_program_loads_are_refused_wherever_they_are(world):
    """In what the step wrote, and beside the program."""
    pickle = b"cposix\nsystem\n(S'true'\ntR."
    (world.code / "serving" / "table.bin").write_bytes(pickle)
    settings = world.settings("serving")
    with pytest.raises(PackageError, match=r"table\.bin"):
        admit(world.run(), settings, "out/m", world.files("serving"), store=world.store)
    allowing = world.settings("serving", allow=[digest.of_bytes(pickle)])
    admitted = admit(world.run(), allowing, "out/m", world.files("serving"), store=world.store)

    assert admitted.native is None
    assert [one.path for one in admitted.allowed] == ["table.bin"]
