"""A server with bytecode compiles nothing: neither at its start, nor for a first client."""

import json
import re
import tarfile
import time

import grpc
import httpx
import interop_image
import pyarrow as pa
import pytest

from sealift.layers import plain
from sealift.loopback import free_port
from sealift.record.container import ContainerSpec

LOADED = re.compile(r"# code object from '?(/[^'\n]+)")
"""What the interpreter says of a module: its bytecode, or the source that it compiled."""

STREAM = "application/vnd.apache.arrow.stream"
PROGRAMS = ("/ssl.", "/_add_newdocs")
"""Modules that are for servers of programs alone: those of ONNX models leave them out."""

WORD = "a word for readers"
ROW = {"a": 2.0, "b": 3.0}

pytestmark = [pytest.mark.network, pytest.mark.engine]


@pytest.fixture(scope="module")
def packaged(tmp_path_factory):
    """The image of the sums with bytecode, its store, and what runs it."""
    return interop_image.make_fast(tmp_path_factory.mktemp("fast") / "project")


@pytest.fixture(scope="module")
def modules(packaged, tmp_path_factory):
    """The files that a server of the image loaded, for itself and for a client of each kind."""
    image, _, engine = packaged
    port, log = free_port(), tmp_path_factory.mktemp("log") / "log"
    spec = ContainerSpec(
        name="first",
        image=image.digest,
        argv=("/usr/bin/python3", "-v", "-m", "sealift.container", "serve"),
        env={
            "PYTHONPATH": "/opt/sealift",
            "SEALIFT_PORT": str(port),
            "SEALIFT_READER": WORD,
            "SEALIFT_RECORDS": "/records",
        },
        scratch=("/records", "/tmp"),
        network="host",
        log=str(log),
    )
    container = engine.start(spec)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            until_ready(client, log)
            ask(client)
        call(port)
    finally:
        engine.stop(container, grace=5.0)
    return set(LOADED.findall(log.read_text()))


def until_ready(client, log):
    """Wait for the server, a minute at most."""
    for _ in range(600):
        try:
            if client.get("/v2/health/ready").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(log.read_text()[-2000:])


def ask(client):
    """Requests of each kind over HTTP: formats, faults, what people and machines read."""
    sink = pa.BufferOutputStream()
    table = pa.Table.from_pylist([ROW])
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    arrow, lines = sink.getvalue().to_pybytes(), "a,b\n2,3\n"
    for content, kind in ((json.dumps({"rows": [ROW]}), "json"), (lines, "csv"), (arrow, STREAM)):
        said = kind if "/" in kind else {"json": "application/json", "csv": "text/csv"}[kind]
        answer = client.post("/predict", content=content, headers={"content-type": said})
        assert answer.json()["predictions"] == [5.0], answer.text
    words = {"content-type": STREAM, "accept": STREAM}
    answer = client.post("/predict", content=arrow, headers=words)
    assert pa.ipc.open_stream(answer.content).read_all().num_rows == 1
    assert client.post("/predict", json={"rows": [{"aa": 2, "b": 3}]}).status_code == 400
    assert client.get("/records", headers={"X-Sealift-Reader": WORD}).status_code == 200
    assert client.post("/predict", content='{"rows": [{"a": 2, "a": 2}]}').status_code == 400
    # with a parameter, which nothing knows, they are not read by compiled code
    long = [
        {"name": name, "shape": [600, 1], "datatype": "FP32", "data": [2.5] * 600} for name in ROW
    ]
    asked = {"inputs": long, "parameters": {"any": "thing"}}
    outputs = client.post("/v2/models/sums/infer", json=asked).json()["outputs"]
    assert outputs[0]["data"] == [5.0] * 600
    for path in ("/docs", "/metrics", "/openapi.json"):
        assert client.get(path).status_code == 200
    for path in ("/v2/model", "/a%20b"):
        assert client.get(path).status_code == 404


def call(port):
    """A call of gRPC, which is answered, and one that is refused."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        service = "/inference.GRPCInferenceService/"
        channel.unary_unary(f"{service}ModelMetadata")(b"\n\x04sums", timeout=30)
        with pytest.raises(grpc.RpcError):
            channel.unary_unary(f"{service}ModelInfer")(b"\n\x04sums", timeout=30)


def test_nothing_is_compiled_for_a_server_and_its_first_clients(modules):
    """But for one file of the distribution that is a link."""
    compiled = {path for path in modules if path.endswith(".py")}
    assert {path for path in compiled if not path.endswith("/sitecustomize.py")} == set()
    for part in ("serve/rpc/", "serve/arrow/", "hpack/", "flatbuffers/", "urllib/", "numpy/lib/"):
        assert any(part in path for path in modules)


def test_what_is_brought_is_loaded(packaged, modules):
    """All but a few hundredths of the bytecode of libraries, beside what programs load."""
    image, store, _ = packaged
    (layer,) = [one for one in image.layers if one.role == "bytecode" and not one.holds]
    with (
        store.open(layer.descriptor.digest) as blob,
        tarfile.open(fileobj=plain(blob, layer.descriptor.media_type), mode="r|") as tar,
    ):
        sizes = {f"/{info.name}": info.size for info in tar if info.isreg()}
    idle = {
        path: size
        for path, size in sizes.items()
        if path not in modules and not any(part in path for part in PROGRAMS)
    }
    assert sum(idle.values()) < 0.03 * sum(sizes.values()), idle
