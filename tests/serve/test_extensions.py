"""Extensions of the protocol: repository, statistics, classification, parameters."""

import pytest

ROW = {"p": 1.0, "q": 1.0}


def classified(server, output, most, **more):
    """Ask for the best classes of an output for two rows."""
    wish = {"name": output, "parameters": {"classification": most, **more}}
    data = [1.0, 1.0, -1.0, -1.0]
    inputs = [{"name": "X", "shape": [2, 2], "datatype": "FP32", "data": data}]
    return server.post({"inputs": inputs, "outputs": [wish]}, path="/v2/models/toy/infer")


def test_classification_gives_the_best_classes_with_their_labels(classes_server):
    """Texts of value, index and label, best first, as many as were asked for."""
    (output,) = classified(classes_server, "scores", 1).json()["outputs"]
    (both,) = classified(classes_server, "scores", 99).json()["outputs"]

    assert (output["datatype"], output["shape"]) == ("BYTES", [2, 1])
    value, index, label = output["data"][0].split(":")
    assert 0.9 < float(value) < 1
    assert (index, label) == ("0", "3")
    assert output["data"][1].endswith(":1:7")
    assert both["shape"] == [2, 2]
    assert both["data"][1].endswith(":1:7")


def test_classification_may_come_in_binary(classes_server):
    """Texts with their lengths."""
    answer = classified(classes_server, "scores", 1, binary_data=True)

    length = int(answer.headers["inference-header-content-length"])
    blob = answer.content[length:]
    size = int.from_bytes(blob[:4], "little")
    assert blob[4 : 4 + size].endswith(b":0:3")


@pytest.mark.parametrize("most", [-1, 1.5, "1", True, None])
def test_a_bad_number_of_classes_is_refused(classes_server, most):
    """400, at the parameter."""
    answer = classified(classes_server, "scores", most)

    assert answer.status_code == 400
    assert answer.json()["path"] == "outputs[0].parameters.classification"


@pytest.mark.parametrize(
    ("parameters", "path"),
    [
        ({"timeout": "1"}, "parameters.timeout"),
        ({"timeout": -1}, "parameters.timeout"),
        ({"timeout": True}, "parameters.timeout"),
        ({"binary_data_output": 1}, "parameters.binary_data_output"),
        ({"binary_data_output": None}, "parameters.binary_data_output"),
    ],
)
def test_parameters_that_mean_something_are_checked(tensor_server, parameters, path):
    """Those of the protocol's extensions; any other is the client's own affair."""
    body = {
        "inputs": [{"name": "X", "shape": [1, 3], "datatype": "FP32", "data": [0, 0, 0]}],
        "parameters": {"mine": 1, **parameters},
    }

    answer = tensor_server.post(body, path="/v2/models/toy/infer")

    assert (answer.status_code, answer.json()["path"]) == (400, path)


def test_statistics_count_rows_and_calls(classes_server):
    """One entry; rows are counted apart from calls, and batches by their size."""

    def told(path="/v2/models/toy/stats"):
        (entry,) = classes_server.client.get(path).json()["model_stats"]
        return entry

    before = told()
    classes_server.post({"rows": [ROW] * 7})
    classes_server.post({"rows": []})
    after = told()

    assert (after["name"], after["version"]) == ("toy", "3")
    assert after["inference_count"] - before["inference_count"] == 7
    assert after["execution_count"] - before["execution_count"] == 1
    stats = after["inference_stats"]
    assert stats["fail"]["count"] - before["inference_stats"]["fail"]["count"] == 1
    parts = [stats[name] for name in ("queue", "compute_input", "compute_infer", "compute_output")]
    assert {part["count"] for part in parts} == {stats["success"]["count"]}
    assert abs(sum(part["ns"] for part in parts) - stats["success"]["ns"]) < 10
    assert stats["compute_infer"]["ns"] > 0
    assert 7 in [batch["batch_size"] for batch in after["batch_stats"]]
    assert after["last_inference"] > 1.6e12
    for path in ("/v2/models/stats", "/v2/models/toy/versions/3/stats"):
        assert told(path)["inference_count"] == after["inference_count"]


def test_the_index_names_the_model_and_its_state(tensor_server):
    """With and without a body."""
    path = "/v2/repository/index"
    entry = {"name": "toy", "version": "3", "state": "READY", "reason": ""}

    assert tensor_server.post({}, path=path).json() == [entry]
    assert tensor_server.post(b"", path=path).json() == [entry]
    assert tensor_server.post({"ready": True}, path=path).json() == [entry]
    assert tensor_server.post({"ready": 1}, path=path).status_code == 400
    assert tensor_server.post({"rady": True}, path=path).json()["code"] == "unknown_field"


@pytest.mark.parametrize("verb", ["load", "unload"])
def test_nobody_unloads_a_model_unless_that_is_allowed(tensor_server, verb):
    """403 with the way to allow it; the model answers on."""
    answer = tensor_server.post({}, path=f"/v2/repository/models/toy/{verb}")

    assert (answer.status_code, answer.json()["code"]) == (403, "no_control")
    assert tensor_server.client.get("/v2/health/ready").status_code == 200


def test_a_model_is_unloaded_and_loaded_again(simple_server):
    """503 in between, with the reason; afterwards certified as at the start."""
    base = "/v2/repository/models"
    left = list(range(16))
    body = {
        "inputs": [
            {"name": name, "shape": [1, 16], "datatype": "INT32", "data": left}
            for name in ("INPUT0", "INPUT1")
        ]
    }
    infer = "/v2/models/simple/infer"

    def asked():
        return simple_server.post(body, path=infer)

    assert asked().status_code == 200
    assert simple_server.post({}, path=f"{base}/simple/unload").json() == {}
    (entry,) = simple_server.post({}, path="/v2/repository/index").json()
    assert (entry["state"], entry["reason"]) == ("UNAVAILABLE", "The model was unloaded.")
    assert simple_server.post({"ready": True}, path="/v2/repository/index").json() == []
    assert (asked().status_code, asked().json()["code"]) == (503, "not_ready")
    assert simple_server.client.get("/v2/models/simple").status_code == 503
    assert simple_server.post({}, path=f"{base}/simple/load").json() == {}
    assert asked().json()["outputs"][0]["data"] == [2 * one for one in left]
    unknown = simple_server.post({}, path=f"{base}/wrong/load")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_model")
    assert "failed to load" in unknown.json()["error"]
    assert simple_server.post({}, path=f"{base}/wrong/burn").status_code == 404


def test_the_server_tells_what_it_can(tensor_server):
    """Names of extensions, as the protocol's other servers write them."""
    assert tensor_server.client.get("/v2").json()["extensions"] == [
        "binary_tensor_data",
        "classification",
        "model_repository",
        "parameters",
        "statistics",
    ]
