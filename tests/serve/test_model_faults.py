"""Models that fail, give no number, or are slow."""

import csv
import threading
import time

import pytest
import toy_models as models
from onnx import TensorProto, helper
from toy_running import Running, build


def lookup_model(path):
    """Looks a number up in a table of ten, and fails beyond; divides by the hour, so that 3 gives
    infinity; the table has a hole at hour 7 that nobody trained on."""
    models.save(
        path,
        [
            helper.make_node("Gather", ["places", "hour"], ["index"]),
            helper.make_node("Gather", ["weights", "index"], ["weight"]),
            helper.make_node("Div", ["one", "weight"], ["y"]),
        ],
        [("hour", TensorProto.INT64, ["N"])],
        [("y", TensorProto.FLOAT, ["N"])],
        [
            helper.make_tensor("places", TensorProto.INT64, [10], [0, 1, 2, 3, 4, 5, 6, 99, 8, 9]),
            helper.make_tensor(
                "weights", TensorProto.FLOAT, [10], [1, 2, 4, 0, 5, 8, 16, 0, 32, 64]
            ),
            models.number("one", 1.0),
        ],
    )


def lookup_table(path):
    """All hours but 3 and 7."""
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["hour", "y"])
        writer.writerows([[hour, 1.0] for hour in (0, 1, 2, 4, 5, 6, 8, 9) * 3])


@pytest.fixture(scope="module")
def lookup_server(tmp_path_factory):
    """A server of the model with holes."""
    folder = tmp_path_factory.mktemp("lookup")
    model = build(folder, lookup_model, lookup_table, target="y")
    with Running(model, folder / "log", records=folder / "records") as server:
        yield server.ready()


def asked(server, hour):
    """One row."""
    return server.post({"rows": [{"hour": hour}]})


def test_a_failure_far_from_the_training_data_is_the_requests_fault(lookup_server):
    """Legal by the widened range, flagged, and without an answer: 400, not 500."""
    answer = asked(lookup_server, 15)

    assert answer.status_code == 400
    assert answer.json()["code"] == "out_of_domain"
    assert answer.json()["path"] == "rows[0].hour"


def test_a_failure_within_the_training_data_is_an_incident(lookup_server):
    """500 with a number that leads to the cause in the log, and nothing of the inside."""
    answer = asked(lookup_server, 7)

    assert answer.status_code == 500
    assert answer.json()["code"] == "incident"
    (incident,) = [event for event in lookup_server.events() if event["event"] == "incident"]
    assert incident["incident"] in answer.json()["error"]
    assert "Gather" in incident["error"]
    assert "Gather" not in answer.text
    assert asked(lookup_server, 1).json()["predictions"] == [0.5]


def test_an_answer_that_is_no_number_is_null_flagged_and_not_recorded(lookup_server):
    """JSON holds no infinity, and a record without a value would mislead."""
    answer = lookup_server.post({"rows": [{"hour": 3}, {"hour": 2}]})

    assert answer.json()["predictions"] == [None, 0.25]
    assert answer.json()["flags"] == {"0": ["y"]}
    lookup_server.wait_for(
        lambda: "sealift_records_dropped_total 1" in lookup_server.client.get("/metrics").text
    )
    assert "sealift_rows_without_value_total 1" in lookup_server.client.get("/metrics").text


def test_a_slow_model_does_not_keep_health_waiting(tmp_path):
    """Long calls have threads of their own, and give what short ones give."""
    folder = build(tmp_path, models.slow_model, models.tensor_table, target="y")
    rows = [{"a": 0.1, "b": 0.2, "c": 0.3}] * 2000
    with Running(folder, tmp_path / "log") as server:
        server.ready()
        took, answers = [], []
        client = threading.Thread(target=lambda: answers.append(server.post({"rows": rows})))
        client.start()
        while client.is_alive():
            began = time.monotonic()
            server.client.get("/v2/health/live")
            took.append(time.monotonic() - began)
        client.join()
        whole = answers[0].elapsed.total_seconds()

    assert answers[0].status_code == 200
    assert len(answers[0].json()["predictions"]) == 2000
    assert len(took) > 3, (took, whole)
