"""Several models in one server: each by its name, with its own contract, state and numbers."""

import json
import shutil

import pytest
import toy_peers as peers
import toy_running as running

NAMES = ("simple", "simple_identity", "simple_string")


@pytest.fixture(scope="module")
def folder(tmp_path_factory, columns_folder):
    """A folder of four models; the names of their folders do not count."""
    root = tmp_path_factory.mktemp("several")
    for number, name in enumerate(NAMES):
        (root / str(number)).mkdir()
        getattr(peers, name)(root / str(number))
    shutil.copytree(columns_folder, root / "3")
    return root


@pytest.fixture(scope="module")
def server(folder, tmp_path_factory):
    """A server of them."""
    scratch = tmp_path_factory.mktemp("served")
    with running.Running(
        folder, scratch / "log", records=scratch / "records", SEALIFT_MODEL_CONTROL="explicit"
    ) as one:
        yield one.ready()


def row(texts):
    """A row of the peers' models."""
    return {f"INPUT0[{place}]": f"{texts}{place}" for place in range(peers.WIDTH)}


FLIGHT = {"carrier": "UA", "hour": 9, "distance": 100.0, "holiday": False}


def test_each_model_is_asked_by_its_name(server):
    """Rows by name and tensors, each held to its own contract."""
    flight = server.post({"rows": [FLIGHT]}, path="/predict/toy")
    texts = [f"a{place}" for place in range(peers.WIDTH)]
    tensor = {"name": "INPUT0", "shape": [1, 16], "datatype": "BYTES", "data": texts}
    same = server.post({"inputs": [tensor]}, path="/v2/models/simple_identity/infer")
    other = server.post({"rows": [FLIGHT]}, path="/predict/simple_identity")

    assert flight.json()["model"] == "toy"
    assert flight.headers["x-sealift-version"] == "3"
    assert same.json()["outputs"][0]["data"] == texts
    assert same.headers["x-sealift-version"] == "1"
    assert (other.status_code, other.json()["code"]) == (400, "unknown_field")


@pytest.mark.parametrize(
    ("path", "code", "said"),
    [
        ("/predict", "unknown_model", "/predict/NAME: simple, simple_identity, simple_string, toy"),
        ("/predict/toi", "unknown_model", "Did you mean 'toy'?"),
        ("/predict/zzz", "unknown_model", "Known: simple, simple_identity, simple_string, toy"),
        ("/v2/models/nobody/infer", "unknown_model", "Known: simple"),
        ("/v2/models/toy/versions/9/infer", "unknown_version", "this is version 3"),
        ("/v2/repository/models/zzz/load", "unknown_model", "failed to load"),
    ],
)
def test_a_model_that_is_not_there_is_told_with_those_that_are(server, path, code, said):
    """404, and what would be right."""
    refused = server.post({"rows": [FLIGHT]}, path=path)

    assert (refused.status_code, refused.json()["code"]) == (404, code)
    assert said in refused.json()["error"]


def test_a_model_is_unloaded_without_the_others(server):
    """The server stays ready, and the model comes back."""
    assert server.post({}, path="/v2/repository/models/simple/unload").status_code == 200
    states = {one["name"]: one["state"] for one in server.post({}, "/v2/repository/index").json()}
    gone = server.client.get("/v2/models/simple/ready").status_code
    others = server.client.get("/v2/health/ready").status_code
    asked = server.post({"rows": [FLIGHT]}, path="/predict/toy").status_code
    server.post({}, path="/v2/repository/models/simple/load")

    assert states == {
        "simple": "UNAVAILABLE",
        "simple_identity": "READY",
        "simple_string": "READY",
        "toy": "READY",
    }
    assert (gone, others, asked) == (503, 200, 200)
    assert server.client.get("/v2/models/simple/ready").status_code == 200


def test_numbers_and_records_are_kept_apart(server):
    """By name in statistics and metrics; the logs of predictions in folders of their names."""
    server.post({"id": "mine", "rows": [FLIGHT]}, path="/predict/toy")
    server.post({"rows": [FLIGHT]}, path="/predict/simple_string")
    stats = server.client.get("/v2/models/stats").json()["model_stats"]
    alone = server.client.get("/v2/models/toy/stats").json()["model_stats"]
    metrics = server.client.get("/metrics").text
    folder = server.log.parent / "records" / "toy"
    server.wait_for(lambda: any('"mine"' in one.read_text() for one in folder.glob("*.jsonl")))

    assert [one["name"] for one in stats] == [*NAMES, "toy"]
    assert [one["name"] for one in alone] == ["toy"]
    assert alone[0]["inference_count"] >= 1
    assert 'sealift_model_rows_total{model="toy",version="3"}' in metrics
    failures = 'sealift_model_failures_total{model="simple_string",version="1"}'
    assert any(line.startswith(failures) and line[-2:] != " 0" for line in metrics.splitlines())
    assert metrics.count("sealift_info{") == 4


def test_the_document_covers_all_models(server):
    """A path for each, and no reference that leads nowhere."""
    document = server.client.get("/openapi.json").json()
    text = json.dumps(document)
    operations = [
        told["operationId"] for one in document["paths"].values() for told in one.values()
    ]
    rows = document["components"]["schemas"]["toy.Row"]["properties"]

    assert {f"/predict/{name}" for name in (*NAMES, "toy")} <= set(document["paths"])
    assert "/predict" not in document["paths"]
    assert len(operations) == len(set(operations))
    assert list(rows) == list(FLIGHT)
    for reference in set(text.split('"#/components/schemas/')[1:]):
        assert reference.partition('"')[0] in document["components"]["schemas"]


def test_one_bad_model_keeps_the_server_from_being_ready(folder, tmp_path):
    """The others answer, and the reason names the model."""
    root = tmp_path / "models"
    shutil.copytree(folder, root)
    (root / "2" / "model.onnx").write_bytes(b"no model")
    with running.Running(root, tmp_path / "log") as server:
        server.wait_for(
            lambda: (
                server.client.get("/v2/models/toy/ready").status_code == 200
                and ("model_not_loaded", "simple_string")
                in [(one["event"], one.get("model")) for one in server.events()]
            )
        )
        refused = server.client.get("/v2/health/ready")
        answered = server.post({"rows": [FLIGHT]}, path="/predict/toy")

    assert refused.status_code == 503
    assert refused.json()["error"].startswith("simple_string: ")
    assert answered.status_code == 200


def test_two_models_of_one_name_are_refused(folder, tmp_path):
    """Before anything is served."""
    root = tmp_path / "models"
    shutil.copytree(folder / "0", root / "a")
    shutil.copytree(folder / "0", root / "b")
    with running.Running(root, tmp_path / "log") as server:
        assert server.process.wait(20) == 7

    assert "Two models are called 'simple'" in server.events()[-1]["error"]


def test_the_only_model_is_asked_by_its_name_too(columns_server):
    """The same path wherever a model is."""
    assert columns_server.post({"rows": [FLIGHT]}, path="/predict/toy").json()["model"] == "toy"
