"""Requests are joined only where the model says the same of a row, alone or in company."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import toy_models as models
from onnx import TensorProto, helper
from toy_running import Running, build

from sealift.record.contract import Contract, Field, Golden, Output
from sealift.serve.equality import difference, proven
from sealift.serve.tensors import Packer, TensorInfo

CONTRACT = Contract(
    task="regression",
    target="y",
    fields=(Field(name="x", type="float", tensor="x", dtype="FP64"),),
    outputs=(Output(name="y", dtype="FP64", shape=(-1,)),),
    prediction="y",
    max_rows=100,
)
PACKER = Packer(CONTRACT, [TensorInfo("x", "FP64", (None, 1))])


class Odd:
    """A model that a function makes; ``calls`` counts what it was asked."""

    def __init__(self, function):
        self._function = function
        self.calls = 0

    def run(self, feeds, _options=None):
        """The outputs by name."""
        self.calls += 1
        return {"y": self._function(feeds["x"][:, 0])}


def vectors(count=10, tolerance=0.0):
    """Golden vectors without answers, which are not looked at."""
    rows = tuple({"x": float(number) + 0.1} for number in range(count))
    return Golden(rows=rows, outputs={}, batch_tolerance=tolerance)


def proof(function, **given):
    """What is found out about a model."""
    return proven(Odd(function), PACKER, CONTRACT, vectors(**given))


def one_at_a_time(x):
    """Fails for more than one row."""
    if len(x) > 1:
        raise RuntimeError("Got invalid dimensions")
    return x


def test_a_model_of_single_rows_may_be_joined():
    """Up to the largest batch compared, within the contract's bound; calls are timed on the way."""
    found = proof(lambda x: 3 * x)

    assert found.most == 97
    assert "bit for bit" in found.reason
    assert {rows for rows, _ in found.samples} >= {1, 2, 33, 97}


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda x: x - x.mean(), "differs in a batch of 2"),
        (lambda x: x if len(x) < 20 else x + 1e-12, "differs in a batch of 20"),
        (lambda x: x + 1e-3 * (np.arange(len(x)) == 6), "differs in a batch of 7"),
        (lambda x: x[:1], "has shape [1] for 2 rows"),
        (lambda x: x.sum(), "has shape"),
        (one_at_a_time, "fails in a batch: RuntimeError"),
    ],
    ids=["mean", "last bits", "place", "first row only", "one number", "one row"],
)
def test_a_model_whose_rows_are_not_alone_is_never_joined(function, reason):
    """By company, by size, by place, by shape, by failing."""
    found = proof(function)

    assert found.most == 1
    assert reason in found.reason


def test_few_vectors_prove_nothing():
    """Rows that are all the same cannot show whether they mix."""
    assert proof(lambda x: x, count=3).most == 1


def test_an_allowed_difference_counts_for_floats_only():
    """Relative to the answer's size; labels must be the same."""
    drift = 1e-7

    def drifting(x):
        return x * (1 + drift * (len(x) > 1))

    assert proof(drifting).most == 1
    assert proof(drifting, tolerance=1e-6).most > 1
    assert proof(drifting, tolerance=1e-9).most == 1
    assert proof(lambda x: (x + (len(x) > 1)).astype(np.int64), tolerance=0.01).most == 1


def test_no_number_is_the_same_as_no_number():
    """NaN differs from itself by value, not by bits; nor does it hide another difference."""
    nan, one = np.array([[np.nan, 1.0]]), np.array([[1.0, 1.0]])
    other = np.array([[-np.nan, 1.0]])

    assert difference({"y": nan}, [{"y": nan}], 0.0) is None
    assert difference({"y": nan}, [{"y": other}], 1e-6) is None
    assert difference({"y": nan}, [{"y": one}], 1e-6) == "'y' of row 0"


def test_it_ends_when_the_server_does():
    """What nobody wants is not gone on with."""
    model = Odd(lambda x: x)

    assert proven(model, PACKER, CONTRACT, vectors(), lambda: model.calls < 30).most < 33


def first_model(path):
    """One of three numbers, moved a little by the other rows."""
    models.save(
        path,
        [
            helper.make_node("ReduceMean", ["X"], ["mean"], axes=[0], keepdims=1),
            helper.make_node("Mul", ["mean", "little"], ["some"]),
            helper.make_node("Sub", ["X", "some"], ["moved"]),
            helper.make_node("MatMul", ["moved", "W"], ["y"]),
        ],
        [("X", TensorProto.FLOAT, ["N", 3])],
        [("y", TensorProto.FLOAT, ["N", 1])],
        [
            models.number("little", 1e-6),
            helper.make_tensor("W", TensorProto.FLOAT, [3, 1], [1.0, 0.5, 0.25]),
        ],
    )


def decided(server):
    """What the server logged about joining, once it has."""
    found = []

    def logged():
        found[:] = [event for event in server.events() if event["event"] == "batching"]
        return found

    server.wait_for(logged)
    return found[0]


def test_a_server_says_what_it_decided(tensor_server):
    """In its log and on its page of metrics."""
    event = decided(tensor_server)

    assert event["on"]
    assert event["rows"] > 100
    assert f"sealift_batch_rows_limit {event['rows']}" in tensor_server.client.get("/metrics").text


def test_joining_can_be_switched_off(tensor_folder, tmp_path):
    """By SEALIFT_BATCH."""
    with Running(tensor_folder, tmp_path / "log", SEALIFT_BATCH="off") as server:
        event = decided(server.ready())

        assert (event["on"], event["reason"]) == (False, "it is switched off")
        assert "sealift_batch_rows_limit 1\n" in server.client.get("/metrics").text


def test_a_model_that_looks_at_other_rows_is_asked_for_each_request_alone(tmp_path):
    """It is served, since its own golden vectors hold within their tolerance."""
    folder = build(tmp_path, first_model, models.tensor_table, target="y")
    with Running(folder, tmp_path / "log") as server:
        event = decided(server.ready())

    assert not event["on"]
    assert "an output differs in a batch of 2" in event["reason"]


def test_the_project_may_allow_a_difference(tmp_path):
    """[model] batch_tolerance travels with the golden vectors."""
    folder = build(tmp_path, first_model, models.tensor_table, target="y", batch_tolerance=1e-3)
    with Running(folder, tmp_path / "log") as server:
        event = decided(server.ready())

    assert event["on"]
    assert "within 0.001" in event["reason"]


def test_requests_at_once_are_fewer_calls_with_the_same_answers(tmp_path):
    """Forty clients of a slow model: calls are joined, statistics and metrics tell so."""
    folder = build(tmp_path, models.slow_model, models.tensor_table, target="y")
    rows = [{"a": number / 40, "b": 0.5, "c": -number / 7} for number in range(40)]
    with Running(folder, tmp_path / "log", SEALIFT_LATENCY="1") as server:
        assert decided(server.ready())["on"]
        alone = [server.post({"rows": [row]}).json()["predictions"] for row in rows]
        with ThreadPoolExecutor(40) as clients, server.client_of() as client:

            def ask(row):
                body = json.dumps({"rows": [row]})
                headers = {"content-type": "application/json"}
                return client.post("/predict", content=body, headers=headers).json()["predictions"]

            assert list(clients.map(ask, rows)) == alone
        (stats,) = server.client.get("/v2/models/toy/stats").json()["model_stats"]
        page = server.client.get("/metrics").text

    assert stats["inference_count"] == 80
    assert stats["inference_stats"]["success"]["count"] == 80
    assert 40 < stats["execution_count"] < 80
    assert max(batch["batch_size"] for batch in stats["batch_stats"]) > 1
    assert f"sealift_batch_requests_count {stats['execution_count']}" in page
    assert "sealift_batch_rows_sum 80" in page
