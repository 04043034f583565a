"""What a served model answers."""

import json
import re

import pytest

ROW = {"carrier": "UA", "hour": 9, "distance": 100.0, "holiday": False}


def test_named_rows_are_answered_in_their_order(columns_server):
    """2 * hour + weight of the carrier + distance / 100 + 5 on holidays."""
    rows = [ROW, {**ROW, "hour": 10, "holiday": True}, {**ROW, "distance": None}]

    answer = columns_server.post({"id": "mine", "rows": rows})

    assert answer.status_code == 200
    assert answer.json() == {
        "id": "mine",
        "model": "toy",
        "version": 3,
        "predictions": [22.0, 29.0, 31.0],
    }


def test_each_answer_names_request_version_and_image(columns_server):
    """In headers, for refusals too; an id that the client gave comes back, else a new one."""
    given = columns_server.post({"rows": [ROW]}, **{"x-request-id": "abc-1"})
    fresh = columns_server.post({"rows": [ROW]})
    refused = columns_server.post({"rows": []}, **{"x-request-id": "abc-2"})

    assert given.headers["x-request-id"] == given.json()["id"] == "abc-1"
    assert re.fullmatch("[0-9a-f]{20}", fresh.json()["id"])
    assert refused.headers["x-request-id"] == "abc-2"
    for answer in (given, fresh, refused):
        assert answer.headers["x-sealift-version"] == "3"
        assert answer.headers["x-sealift-image"] == "sha256:" + "ab" * 32


def test_what_was_never_seen_is_answered_and_flagged(columns_server):
    """Legal values outside the training data's range and categories, by row."""
    rows = [ROW, {**ROW, "carrier": "new", "hour": 30}, {**ROW, "distance": 4800.5}]

    answer = columns_server.post({"rows": rows}).json()

    assert len(answer["predictions"]) == 3
    assert answer["flags"] == {"1": ["hour", "carrier"], "2": ["distance"]}


@pytest.mark.parametrize("nested", [True, False])
def test_the_protocol_takes_nested_and_flat_data(tensor_server, nested):
    """Both mean the same, and the same as named rows."""
    values = [[0.5, 1.0, -1.5], [0.0, 0.25, 1.0]]
    data = values if nested else [value for row in values for value in row]
    body = {
        "id": "é",
        "inputs": [{"name": "X", "shape": [2, 3], "datatype": "FP32", "data": data}],
        "parameters": {"anything": True},
    }
    named = {"rows": [dict(zip("abc", row, strict=True)) for row in values]}

    answer = tensor_server.post(body, path="/v2/models/toy/versions/3/infer").json()

    assert answer == {
        "model_name": "toy",
        "model_version": "3",
        "id": "é",
        "outputs": [{"name": "y", "shape": [2, 1], "datatype": "FP32", "data": [-3.0, 2.6875]}],
    }
    assert tensor_server.post(named).json()["predictions"] == [-3.0, 2.6875]


def test_the_protocol_flags_in_parameters(columns_server):
    """Parameters hold no objects, so the flags are JSON in a text."""
    kinds = {"carrier": "BYTES", "hour": "INT64", "distance": "FP32", "holiday": "BOOL"}
    values = {**ROW, "carrier": "new", "distance": None}
    inputs = [
        {"name": name, "shape": [1, 1], "datatype": kind, "data": [[values[name]]]}
        for name, kind in kinds.items()
    ]

    answer = columns_server.post({"inputs": inputs}, path="/v2/models/toy/infer").json()

    assert json.loads(answer["parameters"]["flags"]) == {"0": ["carrier"]}
    assert answer["outputs"][0]["data"] == [37.0]


def test_a_classifier_answers_labels_and_gives_probabilities_on_request(classes_server):
    """Predictions are the labels; the protocol returns the outputs that were asked for."""
    rows = {"rows": [{"p": 1.0, "q": 1.0}, {"p": -1.0, "q": -1.0}]}
    body = {
        "inputs": [{"name": "X", "shape": [1, 2], "datatype": "FP32", "data": [1.0, 1.0]}],
        "outputs": [{"name": "scores"}],
    }

    assert classes_server.post(rows).json()["predictions"] == [3, 7]
    (output,) = classes_server.post(body, path="/v2/models/toy/infer").json()["outputs"]
    assert (output["name"], output["shape"]) == ("scores", [1, 2])
    assert output["data"][0] > 0.9


def test_the_server_describes_itself_and_its_model(columns_server):
    """Open Inference Protocol: health, server and model metadata, with and without a version."""
    client = columns_server.client

    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").json() == {"ready": True}
    assert set(client.get("/v2").json()) == {"name", "version", "extensions"}
    assert client.get("/v2/").status_code == 200
    for path in ("/v2/models/toy", "/v2/models/toy/versions/3"):
        metadata = client.get(path).json()
        assert (metadata["name"], metadata["versions"]) == ("toy", ["3"])
        assert metadata["platform"] == "onnx_onnxv1"
        assert {"name": "hour", "datatype": "INT64", "shape": [-1, 1]} in metadata["inputs"]
        assert metadata["outputs"] == [{"name": "delay", "datatype": "FP32", "shape": [-1, 1]}]
        assert client.get(f"{path}/ready").json() == {"name": "toy", "ready": True}


def test_metrics_are_well_formed_and_count(columns_server):
    """Prometheus text: each sample belongs to a declared family; buckets grow up to the count."""
    columns_server.post({"rows": [{**ROW, "carrier": "new"}]})
    columns_server.post({"rows": []})

    answer = columns_server.client.get("/metrics")

    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert answer.text.endswith("\n")
    families, samples = {}, {}
    for line in answer.text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            assert name not in families
            families[name] = kind
        elif not line.startswith("# HELP "):
            found = re.fullmatch(r"([a-z_]+)(\{[^{}]*\})? ([0-9.e+-]+|inf)", line)
            assert found, line
            assert re.sub("_(bucket|sum|count)$", "", found[1]) in families or found[1] in families
            samples[found[1] + (found[2] or "")] = float(found[3])
    assert samples['sealift_requests_total{route="predict",status="200"}'] >= 1
    assert samples['sealift_requests_total{route="predict",status="400"}'] >= 1
    assert samples['sealift_flagged_total{field="carrier"}'] >= 1
    assert samples["sealift_ready"] == 1
    buckets = [value for name, value in samples.items() if '_bucket{route="predict"' in name]
    assert buckets == sorted(buckets)
    assert buckets[-1] == samples['sealift_request_seconds_count{route="predict"}']
