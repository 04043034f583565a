"""What clients of gRPC get wrong, and what happens to them: an error of their own, never ours."""

import socket
import struct
import threading
import time

import grpc
import numpy as np
import pytest
import toy_models as models
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_grpc import METHOD, Client, codes, infer
from toy_running import Running, build
from toy_wire import packed
from tritonclient.grpc import service_pb2 as pb

from sealift.serve.refusal import RefusalError
from sealift.serve.rpc import infer as wire_infer
from sealift.serve.rpc import wire

NOBODY = "failed to connect to all addresses"
"""What the client says when no connection was made, so that nobody had the call."""

ROW = packed([0.5, 1.0, -1.5], "f4")


@pytest.fixture(scope="module")
def client(tensor_server):
    """A client of the model with one tensor."""
    with Client(tensor_server) as channel:
        yield channel


@pytest.fixture(scope="module")
def slow_folder(tmp_path_factory):
    """A model that takes many milliseconds."""
    folder = tmp_path_factory.mktemp("slow")
    return build(folder, models.slow_model, models.tensor_table, target="y")


def one(shape=(1, 3), blob=ROW, datatype="FP32", name="X", **more):
    """A request with one raw tensor."""
    return infer([(name, datatype, list(shape), blob)], **more)


WRONG = {
    "another model": (one(model="other"), "NOT_FOUND", "unknown_model"),
    "another version": (one(model_version="9"), "NOT_FOUND", "unknown_version"),
    "a path for a name": (one(model="toy/versions/3"), "NOT_FOUND", "unknown_model"),
    "no input": (pb.ModelInferRequest(model_name="toy"), "INVALID_ARGUMENT", "missing_field"),
    "another input": (one(name="Y"), "INVALID_ARGUMENT", "unknown_field"),
    "another datatype": (one(datatype="FP64"), "INVALID_ARGUMENT", "wrong_type"),
    "no datatype": (one(datatype="quark"), "INVALID_ARGUMENT", "wrong_type"),
    "another shape": (one(shape=[1, 4]), "INVALID_ARGUMENT", "shape"),
    "a negative shape": (one(shape=[-1, 3]), "INVALID_ARGUMENT", "shape"),
    "a long shape": (one(shape=[1] * 9), "INVALID_ARGUMENT", "shape"),
    "too many rows": (one(shape=[1 << 40, 3]), "INVALID_ARGUMENT", "length"),
    "truncated contents": (one(blob=ROW[:-1]), "INVALID_ARGUMENT", "binary_size"),
    "too long contents": (one(blob=ROW + b"x"), "INVALID_ARGUMENT", "binary_size"),
    "infinity": (one(blob=packed([1e400] * 3, "f4")), "INVALID_ARGUMENT", "out_of_range"),
    "a long id": (one(id="x" * 5000), "INVALID_ARGUMENT", "length"),
}


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_wrong_requests_are_told_what_is_wrong(client, wrong):
    """A status of the request's fault, and the slug that REST has."""
    request, status, slug = WRONG[wrong]
    assert codes(client.fails(request))[:2] == (status, slug)


def test_raw_and_typed_contents_do_not_mix(client):
    """Nor do their numbers differ, nor do values stand in the wrong member."""
    mixed = one()
    mixed.inputs[0].contents.fp32_contents[:] = [1.0]
    assert codes(client.fails(mixed)) == (
        *("INVALID_ARGUMENT", "binary_size"),
        "inputs[0].contents",
    )
    twice = one()
    twice.raw_input_contents.append(ROW)
    assert codes(client.fails(twice))[1] == "binary_size"
    wrong = infer([("X", "FP32", [1, 3], [1.0, 2.0, 3.0])], raw=False)
    wrong.inputs[0].contents.int64_contents[:] = [1, 2, 3]
    assert codes(client.fails(wrong))[1] == "wrong_type"
    few = infer([("X", "FP32", [1, 3], [1.0, 2.0])], raw=False)
    assert codes(client.fails(few))[1] == "binary_size"


@pytest.mark.parametrize(
    ("shape", "place"),
    [([1, -3], ".shape[1]"), ([-1, 3], ".shape[0]"), ([1] * 9, ".shape"), ([1] * 99, ".shape")],
)
def test_a_shape_that_is_none_is_named(client, shape, place):
    """To the size that is wrong, of the input that has it."""
    request = one()
    request.inputs.add(name="Y", datatype="FP32", shape=shape)
    assert codes(client.fails(request)) == ("INVALID_ARGUMENT", "shape", f"inputs[1]{place}")


@pytest.mark.parametrize(
    "message",
    [
        b"\xff",
        b"\x0a\x05toy",
        b"\x00\x00",
        b"\x0a\x01\xff",
        b"\x0b\x0c",
        b"\x2a\x7f",
        b"\x0a" + b"\xff" * 20,
        b"\x08" * 40_000,
        struct.pack("<Q", 1) * 5000,
    ],
)
def test_bytes_that_are_no_message_are_refused(client, message):
    """Also those of unknown kinds, and those with more members than any message has."""
    error = client.fails(message)
    assert error.code() in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60) | st.integers(0, 40).map(lambda cut: one().SerializeToString()[:cut]))
def test_reading_never_fails_otherwise(data):
    """Any bytes are a request, or refused."""
    try:
        wire_infer.read(data)
    except RefusalError as refusal:
        assert refusal.status == 400  # noqa: PT017  there may be none


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(-(1 << 63), (1 << 63) - 1), max_size=30))
def test_packed_numbers_come_back(numbers):
    """As Google's library writes and reads them."""
    theirs = pb.InferTensorContents(int64_contents=numbers).SerializeToString()
    ours = wire.packed(np.array(numbers, np.int64))
    assert theirs == (wire.block(3, ours) if numbers else b"")
    if numbers:
        assert wire.unpacked(memoryview(ours)).view(np.int64).tolist() == numbers


def test_unknown_methods_and_encodings_are_not_implemented(client):
    """As gRPC has it; the connection goes on."""
    assert client.fails(b"", "Nothing").code() is grpc.StatusCode.UNIMPLEMENTED
    assert client.fails(b"", "/a.B/C").code() is grpc.StatusCode.UNIMPLEMENTED
    for absent in ("SystemSharedMemoryRegister", "CudaSharedMemoryStatus", "TraceSetting"):
        error = client.fails(b"", absent)
        assert error.code() is grpc.StatusCode.UNIMPLEMENTED
        assert " not " in error.details()
    assert client.stub.ServerLive(pb.ServerLiveRequest()).live


def test_large_messages_are_refused_before_they_have_come(tensor_folder, tmp_path):
    """Plain and compressed; the connection goes on, and no memory stays taken."""
    with (
        Running(
            tensor_folder,
            tmp_path / "log",
            grpc=True,
            SEALIFT_MAX_BODY="100000",
            SEALIFT_WORKERS="1",
        ) as server,
        Client(server.ready()) as client,
    ):
        for compression in (grpc.Compression.NoCompression, grpc.Compression.Gzip):
            error = client.fails(one(blob=b"\0" * 3_000_000), compression=compression)
            assert codes(error)[:2] == ("RESOURCE_EXHAUSTED", "too_large")
        client.stub.ModelInfer(one())
        assert "sealift_body_bytes 0" in server.client.get("/metrics").text


def test_deadlines_end_calls_and_cancelled_ones_free_their_place(slow_folder, tmp_path):
    """DEADLINE_EXCEEDED; afterwards nothing is in flight and nothing waits."""
    with (
        Running(slow_folder, tmp_path / "log", grpc=True, SEALIFT_WORKERS="1") as server,
        Client(server.ready()) as client,
    ):
        wide = one(shape=[2000, 3], blob=packed([0.5] * 6000, "f4"))
        error = client.fails(wide, timeout=0.05)
        assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        calls = [client.stub.ModelInfer.future(wide) for _ in range(6)]
        time.sleep(0.1)
        for call in calls:
            call.cancel()

        def idle():
            text = server.client.get("/metrics").text
            return "sealift_in_flight 1\n" in text and "sealift_waiting 0\n" in text

        server.wait_for(idle)
        assert len(client.stub.ModelInfer(one(), timeout=20).raw_output_contents) == 1


def test_a_server_that_ends_drops_no_call(tensor_folder, tmp_path):
    """While clients keep on asking, SIGTERM costs none of them an answer: what ends their asking
    is only that there is no server any more to which they could connect."""
    with Running(tensor_folder, tmp_path / "log", grpc=True, SEALIFT_DRAIN="0.3") as server:
        server.ready()
        wrong, answered, over = [], [], threading.Event()

        def ask():
            with Client(server) as client:
                while not over.is_set():
                    try:
                        client.stub.ModelInfer(one(), timeout=60)
                        answered.append(1)
                    except grpc.RpcError as error:
                        if not error.details().startswith(NOBODY):
                            wrong.append(error)
                        return

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        server.wait_for(lambda: len(answered) > 10)
        assert server.terminate() == 0
        over.set()
        for thread in threads:
            thread.join()
        assert not wrong


@pytest.mark.parametrize(
    "noise",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\1\0\0\0\0\0\1x",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\4\1\5\0\0\0\1\xff\xff\xff\xff",
        b"\0" * 1000,
    ],
)
def test_what_is_no_http2_is_hung_up_on(tensor_server, noise):
    """And nobody else notices."""
    with socket.create_connection(("127.0.0.1", tensor_server.grpc), timeout=10) as raw:
        raw.sendall(noise)
        while raw.recv(4096):
            pass
    with Client(tensor_server) as client:
        assert client.raw(METHOD + "ServerLive")[0] == b"\x08\x01"
