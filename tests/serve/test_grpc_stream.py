"""``ModelStreamInfer``: many requests in one stream, each answered in its turn."""

import queue
import threading

import grpc
import numpy as np
import pytest
from toy_grpc import METHOD, Client, codes, infer, values
from toy_http2 import END_STREAM, Peer, frame, opening, words
from toy_running import Running
from toy_wire import packed
from tritonclient.grpc import service_pb2 as pb

STREAM = METHOD + "ModelStreamInfer"


@pytest.fixture(scope="module")
def client(tensor_server):
    """A client of the model with one tensor."""
    with Client(tensor_server) as channel:
        yield channel


def one(value, **more):
    """A request of one row, whose answer is 1 + value / 2."""
    return infer([("X", "FP32", [1, 3], packed([value, 0, 0], "f4"))], **more)


def answer(response):
    """The number in an answer of a stream."""
    return float(values(response.infer_response)["y"][0])


def test_answers_come_in_order(client):
    """More requests than are worked on at once, each with its id."""
    asked = [one(number / 40, id=str(number)) for number in range(100)]
    told = list(client.stub.ModelStreamInfer(iter(asked), timeout=60))
    assert [one.infer_response.id for one in told] == [str(number) for number in range(100)]
    assert [answer(one) for one in told] == pytest.approx(
        [1 + number / 80 for number in range(100)], abs=1e-5
    )


def test_each_answer_comes_before_the_next_request(client):
    """As a client waits for it; the stream may rest between."""
    asked = queue.Queue()
    stream = client.stub.ModelStreamInfer(iter(asked.get, None), timeout=60)
    for number in range(5):
        asked.put(one(number))
        assert answer(next(stream)) == 1 + number / 2
    asked.put(None)
    assert list(stream) == []
    assert stream.code() is grpc.StatusCode.OK


def test_what_is_wrong_with_one_request_is_told_in_its_answer(client):
    """The others are answered, and the stream ends well."""
    wrong = [
        one(0, id="a", model="other"),
        infer([("X", "FP32", [1, 3], b"123")], id="b"),
        one(float("inf"), id="c"),
        infer([], id="d"),
    ]
    asked = [request for bad in wrong for request in (bad, one(2))]
    stream = client.stub.ModelStreamInfer(iter(asked), timeout=60)
    told = list(stream)
    assert [answer(good) for good in told[1::2]] == [2.0] * 4
    assert [bad.infer_response.id for bad in told[::2]] == ["a", "b", "c", "d"]
    assert all(bad.error_message and not bad.infer_response.outputs for bad in told[::2])
    assert "Request for unknown model" in told[0].error_message
    assert stream.code() is grpc.StatusCode.OK


def test_clients_that_ask_are_told_which_answer_is_the_last(client):
    """There is one for each request, so that each is."""
    asked = one(1)
    asked.parameters["triton_enable_empty_final_response"].bool_param = True
    (told,) = client.stub.ModelStreamInfer(iter([asked]), timeout=60)
    assert told.infer_response.parameters["triton_final_response"].bool_param
    assert answer(told) == 1.5


@pytest.mark.parametrize("kind", [grpc.Compression.Gzip, grpc.Compression.Deflate])
def test_requests_may_be_compressed(client, kind):
    """Each for itself; long answers then are too."""
    rows = packed([[0.5, 1.0, -1.5]] * 2000, "f4")
    asked = [infer([("X", "FP32", [2000, 3], rows)]), one(1)]
    told = list(client.stub.ModelStreamInfer(iter(asked), timeout=60, compression=kind))
    assert values(told[0].infer_response)["y"] == [-3.0] * 2000
    assert answer(told[1]) == 1.5


def test_requests_count_and_are_recorded_like_others(tensor_folder, tmp_path):
    """Each of them, with the generation of the stream; nothing stays taken."""
    records = tmp_path / "records"
    with (
        Running(tensor_folder, tmp_path / "log", records, grpc=True) as server,
        Client(server.ready()) as client,
    ):
        given = (("x-sealift-generation", "7"),)
        asked = [one(1, id="a"), one(float("inf")), one(2, id="b")]
        list(client.stub.ModelStreamInfer(iter(asked), timeout=60, metadata=given))
        stats = server.client.get("/v2/models/toy/stats").json()["model_stats"][0]
        assert (stats["inference_count"], stats["inference_stats"]["fail"]["count"]) == (2, 1)
        text = server.client.get("/metrics").text
        assert 'sealift_requests_total{route="grpc_infer",status="200"} 2' in text
        assert 'sealift_requests_total{route="grpc_infer",status="400"} 1' in text
        assert 'sealift_requests_total{route="grpc_stream",status="200"} 1' in text
        assert "sealift_in_flight 1\n" in text
        assert "sealift_body_bytes 0\n" in text
        assert server.terminate() == 0
        written = "".join(file.read_text() for file in records.iterdir())
    assert written.count('"generation":7') == 2
    assert '"id":"a"' in written
    assert '"id":"b"' in written


def test_a_stream_ends_with_its_deadline_or_its_client(client, tensor_server):
    """And then nothing of it is in flight."""
    asked = queue.Queue()
    stream = client.stub.ModelStreamInfer(iter(asked.get, None), timeout=1)
    asked.put(one(1))
    with pytest.raises(grpc.RpcError) as error:
        list(stream)
    assert error.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    asked.put(None)
    asked = queue.Queue()
    stream = client.stub.ModelStreamInfer(iter(asked.get, None), timeout=60)
    asked.put(one(1))
    assert answer(next(stream)) == 1.5
    stream.cancel()
    asked.put(None)

    def idle():
        return "sealift_in_flight 1\n" in tensor_server.client.get("/metrics").text

    tensor_server.wait_for(idle)


def test_streams_end_with_the_server_once_what_came_is_answered(tensor_folder, tmp_path):
    """UNAVAILABLE, so that a client opens the next one elsewhere; the server ends well."""
    with Running(tensor_folder, tmp_path / "log", grpc=True, SEALIFT_DRAIN="0.5") as server:
        with Client(server.ready()) as client:
            asked = queue.Queue()
            stream = client.stub.ModelStreamInfer(iter(asked.get, None), timeout=60)
            asked.put(one(1))
            assert answer(next(stream)) == 1.5
            ended = []
            ending = threading.Thread(target=lambda: ended.append(server.terminate()))
            ending.start()
            with pytest.raises(grpc.RpcError) as error:
                next(stream)
            asked.put(None)
            ending.join()
        assert codes(error.value)[:2] == ("UNAVAILABLE", "ending")
        assert ended == [0]


def test_a_request_that_is_too_large_or_not_whole_ends_the_stream(tensor_server):
    """What follows could not be told from it."""
    row = one(1).SerializeToString()
    with Peer(tensor_server) as peer:
        peer.send(opening(1, STREAM) + frame("DATA", b"\0" + words(1 << 30), 1))
        peer.until("HEADERS", 1)
        flags, block = peer.until("HEADERS", 1)
        assert flags & END_STREAM
        assert b"too_large" in block
        peer.send(opening(3, STREAM))
        peer.send(frame("DATA", b"\0" + words(len(row)) + row + b"\0\0", 3, END_STREAM))
        peer.until("HEADERS", 3)
        assert len(peer.until("DATA", 3)[1]) > 5
        flags, block = peer.until("HEADERS", 3)
        assert flags & END_STREAM
        assert b"not whole" in block


def test_requests_in_one_piece_are_told_apart(tensor_server):
    """Two and a half of them in one frame, the rest in the next."""
    row = one(1).SerializeToString()
    body = (b"\0" + words(len(row)) + row) * 3
    with Peer(tensor_server) as peer:
        peer.send(opening(1, STREAM) + frame("DATA", body[:-9], 1))
        assert len(peer.until("DATA", 1)[1]) == len(peer.until("DATA", 1)[1])
        peer.send(frame("DATA", body[-9:], 1, END_STREAM))
        peer.until("DATA", 1)
        assert b"grpc-status\x010" in peer.until("HEADERS", 1)[1]


def test_a_client_that_takes_no_answers_is_asked_for_no_more(tensor_server):
    """Requests behind those that are worked on wait unread: nothing grows."""
    rows = 2000
    request = infer([("X", "FP32", [rows, 3], b"\0" * 12 * rows)]).SerializeToString()
    body = b"\0" + words(len(request)) + request
    with Peer(tensor_server, window=0) as peer:
        peer.send(opening(1, STREAM))
        pieces = [body[at : at + 16384] for at in range(0, len(body), 16384)]
        for _ in range(40):
            for piece in pieces:
                peer.send(frame("DATA", piece, 1))
        peer.send(opening(3, METHOD + "ServerLive"))
        peer.until("HEADERS", 1)
        peer.send(
            frame("WINDOW_UPDATE", words(1 << 20), 1) + frame("WINDOW_UPDATE", words(1 << 20))
        )
        size = 0
        for kind, _, stream, content in peer.frames():
            size += len(content) if kind == "DATA" and stream == 1 else 0
            if size >= 40 * 4 * rows:
                break
    assert np.isclose(size, 40 * 4 * rows, rtol=0.1)


def test_the_usual_client_streams(simple_server):
    """Triton's client: callbacks with results, and with errors."""
    from tritonclient.grpc import InferenceServerClient, InferInput  # noqa: PLC0415

    told = queue.Queue()
    with InferenceServerClient(f"127.0.0.1:{simple_server.grpc}") as client:
        client.start_stream(callback=lambda result, error: told.put((result, error)))
        inputs = []
        for name in ("INPUT0", "INPUT1"):
            tensor = InferInput(name, [1, 16], "INT32")
            tensor.set_data_from_numpy(np.arange(16, dtype=np.int32).reshape(1, 16))
            inputs.append(tensor)
        for number in range(5):
            client.async_stream_infer("simple", inputs, request_id=str(number))
        client.async_stream_infer("nothing", inputs)
        results = [told.get(timeout=60) for _ in range(6)]
        client.stop_stream()
    assert [result.get_response().id for result, _ in results[:5]] == ["0", "1", "2", "3", "4"]
    for result, error in results[:5]:
        assert error is None
        assert (result.as_numpy("OUTPUT0") == 2 * np.arange(16)).all()
    assert "unknown model" in str(results[5][1])
    assert pb.ModelStreamInferResponse().error_message == ""
