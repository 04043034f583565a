"""Which models are converted, and how the containers that do it are started and heard."""

import json
import zipfile
from pathlib import Path

import msgspec
import pytest
from test_learning import SETTINGS, World

from sealift import digest
from sealift.errors import PackageError
from sealift.train.conversion import Workshop, convert, hold
from sealift.train.intake import admit

XGBOOST = b'{"learner":{"attributes":{}},"version":[3,2,0]}'
PICKLE = b"\x80\x04ccollections\nOrderedDict\n)R."
CONVERTED = {
    "event": "converted",
    "tools": {"skl2onnx": "1.20"},
    "rows": 300,
    "worst": 1e-6,
    "tolerance": 1e-4,
}


class Bench(World):
    """A run whose model is of another framework; ``specs`` are the containers that were run."""

    def __init__(self, folder):
        super().__init__(folder)
        (self.model / "model.onnx").unlink()
        self.specs = []

    def container(self, spec):
        """Say what was prepared, once."""
        self.specs.append(spec)
        return super().container(spec)

    def admitted(self, settings=SETTINGS):
        """What is taken in."""
        return admit(self.run(), settings, "out/model", {}, store=self.store)

    def shop(self):
        """Where it is converted."""
        return Workshop(
            run=self.run(),
            settings=SETTINGS,
            requirements="requirements.txt",
            folder=self.folder / "runs" / "r1" / "native",
            engine=self.engine,
            store=self.store,
        )


@pytest.fixture
def bench(tmp_path):
    """A run that is to be converted."""
    return Bench(tmp_path)


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (XGBOOST, "xgboost"),
        (b"{L\0\0\0\0\0\0\0\x07learner{", "xgboost"),
        (b"tree\nversion=v4\nnum_class=1\n", "lightgbm"),
        (PICKLE, "pickle"),
    ],
)
def test_a_model_is_recognised_by_its_bytes(bench, content, form):
    """Whatever it is called, and whatever plain files lie beside it."""
    (bench.model / "best").write_bytes(content)
    (bench.model / "notes.txt").write_text("cat\ndog\n")
    allowing = msgspec.structs.replace(SETTINGS, allow=[digest.of_bytes(content)])
    native = bench.admitted(allowing).native

    assert (native.name, native.form) == ("best", form)
    assert native.digest == digest.of_bytes(content)


def test_of_several_models_none_is_guessed(bench):
    """The user says which."""
    (bench.model / "a.json").write_bytes(XGBOOST)
    (bench.model / "b.json").write_bytes(XGBOOST)

    with pytest.raises(PackageError, match=r"several models: a\.json, b\.json"):
        bench.admitted()


def test_an_onnx_model_is_taken_as_it_is(bench):
    """Whatever lies beside it."""
    (bench.model / "model.onnx").write_bytes(b"\x08\x0a\x12\x00")
    (bench.model / "a.json").write_bytes(XGBOOST)

    assert bench.admitted().native is None


def test_a_framework_that_is_not_converted_is_named(bench):
    """With the way out, instead of a file that is missing."""
    with zipfile.ZipFile(bench.model / "net.keras", "w") as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("model.weights.h5", b"")

    with pytest.raises(PackageError, match="model of Keras") as told:
        bench.admitted()
    assert "model.onnx" in told.value.remedy


def test_the_container_has_the_users_packages_and_only_inputs(bench):
    """The model is mounted read-only, there is no network, and the original's digest is kept."""
    (bench.model / "best.json").write_bytes(XGBOOST)
    bench.lines.append(json.dumps(CONVERTED))
    native = bench.admitted().native

    path, made = convert(native, bench.shop())
    (spec,) = bench.specs
    targets = {mount.target: mount for mount in spec.mounts}

    assert (spec.image, spec.network) == (bench.run().image, "none")
    assert [one for one, mount in targets.items() if mount.writable] == ["/out"]
    assert Path(targets["/in/model.json"].source).read_bytes() == XGBOOST
    assert (Path(targets["/in/code/native"].source) / "__main__.py").is_file()
    assert path.name == "model.onnx"
    assert (made.file, made.form, made.digest) == ("best.json", "xgboost", native.digest)
    assert (made.tools, made.rows, made.worst) == ({"skl2onnx": "1.20"}, 300, 1e-6)


def test_what_the_container_says_is_told_in_terms_of_the_project(bench):
    """Of both pieces of work."""
    (bench.model / "best.json").write_bytes(XGBOOST)
    native, shop = bench.admitted().native, bench.shop()
    bench.status = 7
    bench.says("failed", kind="PackageError", error="It differs.", where="model", remedy="Mend.")
    (bench.folder / "golden.json").write_text("{}")

    with pytest.raises(PackageError) as told:
        convert(native, shop)
    assert (told.value.what, told.value.where) == ("It differs.", "output fit.model")
    with pytest.raises(PackageError, match="It differs"):
        hold(native, bench.folder / "golden.json", shop)
