"""The Open Inference Protocol over gRPC, asked with the usual clients: the same answers as REST."""

import json
import struct

import grpc
import numpy as np
import pytest
import toy_peers as peers
from toy_grpc import FIELDS, KINDS, Client, codes, infer, values
from toy_running import Running, build
from toy_wire import packed
from tritonclient.grpc import service_pb2 as pb

ROWS = [[0.5, 1.0, -1.5], [0.0, 0.25, 1.0]]
ANSWERS = [-3.0, 2.6875]


@pytest.fixture(scope="module")
def client(tensor_server):
    """A client of the model with one tensor."""
    with Client(tensor_server) as channel:
        yield channel


def rows(given=ROWS, **more):
    """A request in raw bytes."""
    return infer([("X", "FP32", [len(given), 3], packed(given, "f4"))], **more)


def test_raw_contents_are_answered_raw(client):
    """And typed ones typed; the same numbers, and the id comes back."""
    raw = client.stub.ModelInfer(rows(id="r1"))
    assert (raw.model_name, raw.model_version, raw.id) == ("toy", "3", "r1")
    assert len(raw.raw_output_contents) == 1
    assert values(raw) == {"y": ANSWERS}
    flat = [value for row in ROWS for value in row]
    typed = client.stub.ModelInfer(infer([("X", "FP32", [2, 3], flat)], raw=False))
    assert not typed.raw_output_contents
    assert values(typed) == {"y": ANSWERS}
    assert [(one.name, one.datatype, list(one.shape)) for one in typed.outputs] == [
        ("y", "FP32", [2, 1])
    ]


def test_golden_vectors_are_answered_as_by_rest(columns_server, columns_folder):
    """Every row of every vector: bit by bit the same, also typed, also where it is flagged."""
    golden = json.loads((columns_folder / "golden.json").read_text())["rows"]
    far = [{**golden[0], "hour": 30, "carrier": "ZZ"}]
    kinds = {"carrier": "BYTES", "hour": "INT64", "distance": "FP32", "holiday": "BOOL"}
    for batch in (golden, golden[:1], far):
        columns = {name: [row[name] for row in batch] for name in kinds}
        columns["distance"] = [float("nan") if one is None else one for one in columns["distance"]]
        columns["carrier"] = [(one or "").encode() for one in columns["carrier"]]
        wire = {
            name: packed(column, {"BYTES": "BYTES", "BOOL": "u1"}.get(kinds[name], ""))
            if kinds[name] in ("BYTES", "BOOL")
            else packed(column, KINDS[kinds[name]])
            for name, column in columns.items()
        }
        rest = columns_server.post({"rows": batch}).json()
        shape = [len(batch), 1]
        shapes = {name: [len(batch)] if name == "holiday" else shape for name in kinds}
        with Client(columns_server) as client:
            raw = client.stub.ModelInfer(infer([(n, kinds[n], shapes[n], wire[n]) for n in kinds]))
            typed = client.stub.ModelInfer(
                infer([(n, kinds[n], shapes[n], columns[n]) for n in kinds], raw=False)
            )
        expected = [np.float32(one) for one in rest["predictions"]]
        assert values(raw)["delay"] == values(typed)["delay"] == expected
        for answer in (raw, typed):
            told = answer.parameters["flags"].string_param
            assert (json.loads(told) if told else None) == rest.get("flags")


@pytest.mark.parametrize("kind", ["BOOL", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16",
                                  "UINT32", "UINT64", "FP32", "FP64"])  # fmt: skip
def test_every_kind_of_typed_contents(kind, tmp_path):
    """There and back: small numbers, large ones and negative ones."""
    if kind == "BOOL":
        given = [True, False, True]
    elif kind.startswith("FP"):
        given = [0.5, -2.0, 100.0]
    else:
        size = min(8 * np.dtype(kind.lower()).itemsize, 54)
        given = [0, 1, 100, (1 << (size - 1)) - 1]
        given += [-1, -(1 << (size - 1))] if kind[0] == "I" else []
    wide = {"minimum": min(given), "maximum": max(given)}
    folder = build(
        tmp_path,
        peers.kind_model(kind),
        peers.kind_table(kind),
        target="y",
        fields={} if kind == "BOOL" else {"X": wide},
    )
    shape = [len(given), 1]
    with Running(folder, tmp_path / "log", grpc=True) as server, Client(server.ready()) as client:
        answer = client.stub.ModelInfer(infer([("X", kind, shape, given)], raw=False))
        assert values(answer)["same"] == given
        if "8" in kind or "16" in kind:
            wrong = infer([("X", kind, [1, 1], [100_000])], raw=False)
            assert codes(client.fails(wrong))[:2] == ("INVALID_ARGUMENT", "out_of_range")


@pytest.mark.parametrize("kind", ["FP16", "BF16"])
def test_halves_travel_raw_only(kind, tmp_path):
    """They come back raw even if the request was typed, which it cannot be for them."""
    folder = build(tmp_path, peers.kind_model(kind), peers.kind_table(kind), target="y")
    with Running(folder, tmp_path / "log", grpc=True) as server, Client(server.ready()) as client:
        half = struct.pack("<e", 1.5) if kind == "FP16" else struct.pack("<f", 1.5)[2:]
        answer = client.stub.ModelInfer(infer([("X", kind, [1, 1], half)]))
        assert list(answer.raw_output_contents) == [struct.pack("<f", 3.0), half]
        request = infer([("X", kind, [1, 1], half)])
        del request.raw_input_contents[:]
        request.inputs[0].contents.fp32_contents[:] = [1.5]
        assert codes(client.fails(request))[:2] == ("INVALID_ARGUMENT", "binary_only")


def test_texts_come_back(texts_server):
    """Raw and typed, with null bytes and letters of several bytes."""
    texts = [f"t\0{number} ü".encode() for number in range(16)]
    with Client(texts_server) as client:
        name = texts_server.client.get("/v2/models/simple_identity").json()["inputs"][0]["name"]
        shape, model = [1, 16], "simple_identity"
        raw = client.stub.ModelInfer(
            infer([(name, "BYTES", shape, packed(texts, "BYTES"))], model=model)
        )
        assert raw.raw_output_contents[0] == packed(texts, "BYTES")
        typed = client.stub.ModelInfer(
            infer([(name, "BYTES", shape, texts)], model=model, raw=False)
        )
        assert list(typed.outputs[0].contents.bytes_contents) == texts
        many = infer([(name, "BYTES", shape, [b""] * 200_000)], model=model, raw=False)
        assert client.fails(many).code() is grpc.StatusCode.INVALID_ARGUMENT
        bad = infer([(name, "BYTES", shape, [b"\xff"] * 16)], model=model, raw=False)
        assert codes(client.fails(bad))[1] == "wrong_type"


def test_metadata_says_what_rest_says(client, tensor_server):
    """Server, model, configuration, statistics and index, by name and by version."""
    rest = tensor_server.client
    server = client.stub.ServerMetadata(pb.ServerMetadataRequest())
    assert {
        "name": server.name,
        "version": server.version,
        "extensions": list(server.extensions),
    } == rest.get("/v2").json()
    told = rest.get("/v2/models/toy").json()
    for version in ("", "3"):
        model = client.stub.ModelMetadata(pb.ModelMetadataRequest(name="toy", version=version))
        assert (model.name, list(model.versions), model.platform) == (
            *("toy", ["3"]),
            told["platform"],
        )
        for mine, others in ((model.inputs, told["inputs"]), (model.outputs, told["outputs"])):
            assert [
                {"name": one.name, "datatype": one.datatype, "shape": list(one.shape)}
                for one in mine
            ] == others
    config = client.stub.ModelConfig(pb.ModelConfigRequest(name="toy")).config
    assert (config.name, config.input[0].data_type, list(config.input[0].dims)) == (
        *("toy", 11),
        [-1, 3],
    )
    statistics = rest.get("/v2/models/toy/stats").json()["model_stats"][0]
    (counted,) = client.stub.ModelStatistics(pb.ModelStatisticsRequest(name="toy")).model_stats
    assert counted.inference_count == statistics["inference_count"]
    assert counted.inference_stats.success.ns == statistics["inference_stats"]["success"]["ns"]
    (index,) = client.stub.RepositoryIndex(pb.RepositoryIndexRequest(ready=True)).models
    assert (index.name, index.version, index.state) == ("toy", "3", "READY")


def test_liveness_and_readiness(client):
    """The protocol's own, and the health of gRPC that Kubernetes asks for."""
    assert client.stub.ServerLive(pb.ServerLiveRequest()).live
    assert client.stub.ServerReady(pb.ServerReadyRequest()).ready
    assert client.stub.ModelReady(pb.ModelReadyRequest(name="toy", version="3")).ready
    for service in (b"", b"toy", b"inference.GRPCInferenceService"):
        message = b"\x0a" + bytes([len(service)]) + service
        assert client.raw("/grpc.health.v1.Health/Check", message)[0] == b"\x08\x01"
    error = client.fails(b"\x0a\x01x", "/grpc.health.v1.Health/Check")
    assert error.code() is grpc.StatusCode.NOT_FOUND


def test_models_are_unloaded_and_loaded(simple_server):
    """Not ready is an answer of readiness, and an error of everything else."""
    with Client(simple_server) as client:
        name, zeros = "simple", packed([0] * 16, "i4")
        asked = infer([(one, "INT32", [1, 16], zeros) for one in ("INPUT0", "INPUT1")], model=name)
        client.stub.RepositoryModelUnload(pb.RepositoryModelUnloadRequest(model_name=name))
        try:
            assert not client.stub.ServerReady(pb.ServerReadyRequest()).ready
            assert not client.stub.ModelReady(pb.ModelReadyRequest(name=name)).ready
            assert client.raw("/grpc.health.v1.Health/Check")[0] == b"\x08\x02"
            assert codes(client.fails(asked))[:2] == ("UNAVAILABLE", "not_ready")
        finally:
            client.stub.RepositoryModelLoad(pb.RepositoryModelLoadRequest(model_name=name))
        assert client.stub.ServerReady(pb.ServerReadyRequest()).ready
        assert values(client.stub.ModelInfer(asked))["OUTPUT0"] == [0] * 16


def test_control_is_off_unless_switched_on(client):
    """As over REST."""
    asked = pb.RepositoryModelUnloadRequest(model_name="toy")
    error = client.fails(asked, "RepositoryModelUnload")
    assert codes(error)[:2] == ("PERMISSION_DENIED", "no_control")


def test_parameters_mean_what_they_mean_in_rest(classes_server):
    """Outputs are chosen, classes ranked, the wish for raw kept, other parameters passed over."""
    asked = infer([("X", "FP32", [1, 2], [1.0, 0.5])], raw=False)
    for name, value in {"a": 1, "b": "x", "c": True, "d": 0.5}.items():
        kind = {int: "int64", str: "string", bool: "bool", float: "double"}[type(value)]
        setattr(asked.parameters[name], f"{kind}_param", value)
    asked.parameters["u"].uint64_param = 1 << 63
    asked.outputs.add(name="scores").parameters["classification"].int64_param = 1
    with Client(classes_server) as client:
        (output,) = client.stub.ModelInfer(asked).outputs
        assert (output.datatype, list(output.shape)) == ("BYTES", [1, 1])
        assert output.contents.bytes_contents[0].endswith(b":0:3")
        asked.parameters["binary_data_output"].bool_param = True
        assert len(client.stub.ModelInfer(asked).raw_output_contents) == 1
        asked.parameters["timeout"].string_param = "soon"
        assert codes(client.fails(asked)) == (
            *("INVALID_ARGUMENT", "wrong_type"),
            "parameters.timeout",
        )


def test_ids_versions_and_traces_come_back(client):
    """What headers say in REST, metadata says here."""
    message = rows().SerializeToString()
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    given = (("x-request-id", "mine"), ("traceparent", trace))
    call = client.raw("ModelInfer", message, metadata=given)[1]
    trailers = dict(call.trailing_metadata())
    assert trailers["x-request-id"] == "mine"
    assert trailers["traceresponse"][3:35] == trace[3:35]
    greeting = dict(call.initial_metadata())
    assert greeting["x-sealift-version"] == "3"
    assert greeting["x-sealift-image"] == "sha256:" + "ab" * 32
    other = client.raw("ModelInfer", rows(id="x").SerializeToString(), metadata=given)[1]
    assert dict(other.trailing_metadata())["x-request-id"] == "x"
    error = client.fails(message, metadata=(("x-request-id", "a" * 500),))
    assert codes(error) == ("INVALID_ARGUMENT", "bad_id", "X-Request-Id")


def test_requests_are_recorded_and_counted(tensor_folder, tmp_path):
    """Records, statistics, metrics and the log, as for REST."""
    records = tmp_path / "records"
    with (
        Running(tensor_folder, tmp_path / "log", records, grpc=True, SEALIFT_LOG="all") as server,
        Client(server.ready()) as client,
    ):
        given = (("x-sealift-generation", "7"),)
        client.raw("ModelInfer", rows(id="g").SerializeToString(), metadata=given)
        client.fails(rows([[float("inf"), 0, 0]]))
        metrics = server.client.get("/metrics").text
        assert 'sealift_requests_total{route="grpc_infer",status="200"} 1' in metrics
        assert 'sealift_requests_total{route="grpc_infer",status="400"} 1' in metrics
        assert 'sealift_refused_total{code="out_of_range"} 1' in metrics
        assert "sealift_in_flight 1" in metrics  # the metrics themselves
        assert "sealift_body_bytes 0" in metrics
        stats = server.client.get("/v2/models/toy/stats").json()["model_stats"][0]
        assert (stats["inference_count"], stats["inference_stats"]["fail"]["count"]) == (2, 1)
        assert server.terminate() == 0
        found = [
            json.loads(line) for file in records.iterdir() for line in file.read_text().splitlines()
        ]
        assert [(one["id"], one["generation"], one["output"]) for one in found] == [
            ("g/0", 7, -3.0),
            ("g/1", 7, 2.6875),
        ]
        logged = [one for one in server.events() if one["event"] == "request"]
        (line,) = [one for one in logged if one["id"] == "g"]
        assert (line["route"], line["status"], line["rows"]) == ("grpc_infer", 200, 2)
        assert line["path"] == "/inference.GRPCInferenceService/ModelInfer"


@pytest.mark.parametrize("kind", [grpc.Compression.Gzip, grpc.Compression.Deflate])
def test_messages_may_be_compressed(client, kind):
    """Also long ones, whose answer then is compressed too."""
    many = rows(ROWS * 1000)
    answer = client.stub.ModelInfer(many, compression=kind)
    assert values(answer)["y"] == ANSWERS * 1000


def test_fields_are_complete():
    """Each datatype of the protocol but the halves has contents."""
    assert set(FIELDS) | {"FP16", "BF16"} == {*peers.KINDS, "BYTES"}
