"""A model is asked where requests were read, and says what it says when it is asked otherwise."""

import json

import numpy as np
import pytest
import toy_models as models
from onnx import TensorProto, helper
from toy_running import build
from toy_worker import ROWS, Worker, infer, posted, same

from sealift.serve import model
from sealift.serve.inplace import InPlace
from sealift.serve.recorder import Recorder


@pytest.fixture
def worker(classes_folder):
    """A worker with a classifier of two outputs."""
    return Worker(classes_folder)


def placed(worker):
    """Its model, asked in memory of its own, without what counts its calls."""
    found = worker.service.gathering.placed.twin()
    return InPlace(found.code, worker.model._model, found.batcher)


def filled(code):
    """Other inputs everywhere."""
    (slab,) = code.tensors.values()
    slab.array[:100] = np.random.default_rng(3).normal(size=slab.array[:100].shape)
    return slab.array


def test_a_model_says_the_same_bits_wherever_its_tensors_lie(worker):
    """For many numbers of rows, from many places on."""
    place = placed(worker)
    code = place.code
    inputs = filled(code)
    for first, rows in [(0, 1), (0, 2), (3, 1), (5, 31), (0, 32), (17, 64), (99, 1), (0, 100)] * 2:
        assert place.ask(first, rows, 1).rows == rows
        alone = worker.model.run({"X": inputs[first : first + rows].copy()})
        assert list(alone) == list(code.said)
        for name, array in alone.items():
            assert code.said[name].array[:rows].tobytes() == array.tobytes()


def test_what_is_asked_anew_is_answered_anew(worker):
    """A call that is kept reads what lies there now."""
    place = placed(worker)
    inputs, scores = filled(place.code), place.code.said["scores"].array
    place.ask(0, 4, 1)
    before = scores[:4].copy()
    inputs[:4] = -inputs[:4]
    place.ask(0, 4, 1)

    assert (scores[:4] != before).all()


@pytest.mark.parametrize("exactly", [True, False])
def test_outputs_of_another_shape_leave_the_others_alone(tmp_path, exactly):
    """A model that leaves rows out is asked in vain; nothing is written beyond."""
    models.save(
        tmp_path / "model.onnx",
        [
            helper.make_node("Greater", ["X", "zero"], ["above"]),
            helper.make_node("Compress", ["X", "above"], ["y"], axis=0),
        ],
        [("X", TensorProto.FLOAT, ["N"])],
        [("y", TensorProto.FLOAT, ["M"])],
        [models.number("zero", 0.0)],
    )
    asked = model.load(tmp_path / "model.onnx", threads=1)
    x, y = np.array([1, 2, 3, 4], np.float32), np.full(4, 9, np.float32)
    call = asked.bound({"X": x}, {"y": y[:3]})
    x[1] = -1 if exactly else 2
    if exactly:
        call()
        assert y.tolist() == [1, 3, 4, 9]
    else:
        with pytest.raises(Exception, match="shape"):
            call()
        assert y.tolist() == [9] * 4


def test_maps_of_probabilities_are_copied_to_where_answers_are_written_from(tmp_path):
    """Such a model cannot be bound to memory; its clients are told what they are told elsewhere."""
    folder = build(
        tmp_path, models.zipmap_model, models.labelled_table, target="y", task="classification"
    )
    worker = Worker(folder)
    assert worker.model._model.bound({}, {}) is None
    worker.model.bound = lambda *_: None
    requests = [posted(infer(*ROWS[:3])), posted(infer(ROWS[3]))]
    worker.model.calls.clear()

    answers = worker.turn(*requests)
    assert worker.model.calls == [4]
    assert [same(one) for one in answers] == [same(worker.alone(one)) for one in requests]


def test_what_is_recorded_is_what_was_asked_and_said_then(tensor_folder, tmp_path):
    """Though the memory holds the next request when it is written."""
    recorder = Recorder(tmp_path, names=["a", "b", "c"], version=1)
    worker = Worker(tensor_folder, recorder=recorder)
    worker.turn(posted(infer(ROWS[0], ROWS[1], given="n")))
    worker.turn(posted(infer(*ROWS[2:5])))
    recorder.close()
    (file,) = tmp_path.glob("*.jsonl")
    lines = list(map(json.loads, file.read_text().splitlines()))

    assert [one["id"] for one in lines[:2]] == ["n/0", "n/1"]
    for one, row in zip(lines, ROWS[:5], strict=True):
        assert list(one["inputs"].values()) == pytest.approx(row)
        assert one["output"] == pytest.approx(
            row[0] * 0.5 - row[1] * 1.25 + row[2] * 2 + 1, rel=1e-6
        )
