"""The life of a server: readiness, ending, crashing."""

import json
import shutil
import signal
import socket
import threading
import time
from collections import Counter

import httpx
import numpy as np
import onnx
import pytest
from toy_running import Running

ROW = {"a": 0.5, "b": 1.0, "c": -1.5}


def copied(folder, tmp_path):
    """A model folder to be damaged."""
    return shutil.copytree(folder, tmp_path / "model")


def unready(folder, tmp_path):
    """A server that stays unready: its answers to readiness and to a request, and its events."""
    with Running(folder, tmp_path / "log") as server:
        server.wait_for(lambda: "being loaded" not in server.client.get("/v2/health/ready").text)
        answers = [
            server.client.get("/v2/health/ready"),
            server.client.get("/v2/models/toy/ready"),
            server.post({"rows": [ROW]}),
        ]
        assert server.client.get("/v2/health/live").status_code == 200
        return [(answer.status_code, answer.json()) for answer in answers], server.events()


def test_a_flipped_bit_in_the_weights_keeps_the_server_unready(tensor_folder, tmp_path):
    """503 with the reason for ever; the log tells the vector, what was expected and what came."""
    folder = copied(tensor_folder, tmp_path)
    weights = folder / "model.onnx"
    pattern = np.array([0.5, -1.25, 2.0], np.float32).tobytes()
    content = bytearray(weights.read_bytes())
    model = onnx.load_from_string(bytes(content))
    raw = bytearray(onnx.numpy_helper.to_array(model.graph.initializer[0]).tobytes())
    assert bytes(raw) == pattern
    raw[0] ^= 1  # the last bit of the first weight
    model.graph.initializer[0].CopyFrom(
        onnx.numpy_helper.from_array(np.frombuffer(bytes(raw), np.float32).reshape(3, 1), "W")
    )
    onnx.save(model, str(weights))

    answers, events = unready(folder, tmp_path)

    for status, body in answers:
        assert (status, body["code"]) == (503, "not_ready")
        assert "golden vector" in body["error"]
    (mismatch,) = [event for event in events if event["event"] == "golden_mismatch"]
    assert mismatch["output"] == "y"
    assert mismatch["expected"] != mismatch["got"]
    assert not [event for event in events if event["event"] == "ready"]


@pytest.mark.parametrize("damage", ["cut", "noise", "absent"])
def test_a_model_that_cannot_be_loaded_keeps_the_server_unready(tensor_folder, tmp_path, damage):
    """The server lives and says why it is not ready."""
    folder = copied(tensor_folder, tmp_path)
    weights = folder / "model.onnx"
    content = weights.read_bytes()
    if damage == "absent":
        weights.unlink()
    else:
        weights.write_bytes(content[: len(content) // 2] if damage == "cut" else b"\xff" * 500)

    answers, _ = unready(folder, tmp_path)

    assert {status for status, _ in answers} == {503}


def test_an_image_without_golden_vectors_never_gets_ready(tensor_folder, tmp_path):
    """Nothing to reproduce is no proof."""
    folder = copied(tensor_folder, tmp_path)
    (folder / "golden.json").write_text('{"rows": [], "outputs": {}}')

    answers, _ = unready(folder, tmp_path)

    assert {status for status, _ in answers} == {503}


@pytest.mark.parametrize("name", ["contract.json", "golden.json", "model.json"])
@pytest.mark.parametrize("damage", ["cut", "absent"])
def test_a_damaged_model_folder_ends_the_server_with_a_reason(
    tensor_folder, tmp_path, name, damage
):
    """Exit status 7 and one line that names the file."""
    folder = copied(tensor_folder, tmp_path)
    if damage == "absent":
        (folder / name).unlink()
    else:
        (folder / name).write_bytes((folder / name).read_bytes()[:-9])

    with Running(folder, tmp_path / "log") as server:
        assert server.process.wait(20) == 7
        (event,) = server.events()
    assert (event["event"], event["kind"]) == ("failed", "PackageError")
    assert name in event["error"]


def test_a_taken_port_ends_the_server_with_a_reason(tensor_folder, tmp_path):
    """Exit status 4: this machine lacks a free port of that number."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        with Running(tensor_folder, tmp_path / "log", SEALIFT_PORT=port) as server:
            assert server.process.wait(20) == 4
            assert server.events()[-1]["kind"] == "MachineError"


@pytest.mark.parametrize("value", ["no", "-1", "70000", "nan"])
def test_a_bad_setting_ends_the_server_with_a_reason(tensor_folder, tmp_path, value):
    """Exit status 2 and the name of the variable."""
    with Running(tensor_folder, tmp_path / "log", SEALIFT_PORT=value) as server:
        assert server.process.wait(20) == 2
        assert "SEALIFT_PORT" in server.events()[-1]["error"]


def test_ending_under_load_loses_no_request(tensor_folder, tmp_path):
    """Eight clients send all the time across SIGTERM, until an answer asks them to go elsewhere:
    each request is answered."""
    with Running(tensor_folder, tmp_path / "log", SEALIFT_DRAIN="0.5") as server:
        server.ready()
        outcomes = Counter()
        clients = [threading.Thread(target=ask, args=(server.url, outcomes)) for _ in range(8)]
        for thread in clients:
            thread.start()
        deadline = time.monotonic() + 20
        while outcomes[200] <= 100 and time.monotonic() < deadline:
            time.sleep(0.02)
        before = outcomes[200]
        status = server.terminate()
        for thread in clients:
            thread.join(20)
    assert status == 0
    assert outcomes.pop("gone") == 8
    assert outcomes[200] > before > 100
    assert set(outcomes) == {200}
    assert server.events()[-1]["event"] == "ended"
    assert server.events()[-1]["finished"] is True


def ask(url, outcomes):
    """Send requests on a kept connection until an answer closes it, then one on a new one."""
    body = json.dumps({"rows": [ROW]})
    with httpx.Client(base_url=url, timeout=20) as client:
        for last in (False, True):
            while True:
                try:
                    answer = client.post(
                        "/predict", content=body, headers={"content-type": "application/json"}
                    )
                except httpx.TransportError as error:
                    outcomes[type(error).__name__] += 1
                    return
                outcomes[answer.status_code] += 1
                if last or answer.headers.get("connection") == "close":
                    break
    outcomes["gone"] += 1


def test_requests_under_way_are_finished_after_the_drain(tensor_folder, tmp_path):
    """A body whose second half comes after the server stopped to take connections."""
    body = json.dumps({"rows": [ROW]}).encode()
    head = b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    with Running(tensor_folder, tmp_path / "log", SEALIFT_DRAIN="0") as server:
        server.ready()
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
            connection.sendall(head + f"content-length: {len(body)}\r\n\r\n".encode() + body[:9])
            time.sleep(0.3)
            server.process.send_signal(signal.SIGTERM)
            time.sleep(1.0)
            connection.sendall(body[9:])
            answer = connection.recv(65536)
        assert server.process.wait(10) == 0
    assert answer.startswith(b"HTTP/1.1 200")


def test_a_server_that_ends_asks_its_clients_to_go(tensor_folder, tmp_path):
    """While it drains it answers, says that it is not ready, and closes connections."""
    with Running(tensor_folder, tmp_path / "log", SEALIFT_DRAIN="2") as server:
        server.ready()
        assert "connection" not in server.post({"rows": [ROW]}).headers
        server.process.send_signal(signal.SIGTERM)
        server.wait_for(lambda: server.client.get("/v2/health/ready").status_code == 503)
        answer = server.post({"rows": [ROW]})
        assert answer.status_code == 200
        assert answer.headers["connection"] == "close"
        # a second signal cuts the drain short
        began = time.monotonic()
        assert server.terminate() == 0
        assert time.monotonic() - began < 1.5


def test_idle_and_half_sent_connections_do_not_keep_the_server_alive(tensor_folder, tmp_path):
    """A kept connection, one with half a header, and one with half a body."""
    with Running(tensor_folder, tmp_path / "log", SEALIFT_DRAIN="0.1", SEALIFT_GRACE="1") as server:
        server.ready()
        head = b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        sockets = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(3)]
        sockets[1].sendall(head)
        sockets[2].sendall(head + b"content-length: 100\r\n\r\n{")
        time.sleep(0.2)
        began = time.monotonic()
        assert server.terminate() == 0
        assert time.monotonic() - began < 5
        for connection in sockets:
            connection.close()


def test_a_client_that_goes_away_harms_nobody(tensor_server):
    """Half a body and a reset; then a request as ever, and nothing counts as a failure."""
    head = b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", tensor_server.port)) as connection:
            connection.sendall(head + b"content-length: 100\r\n\r\n{")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    assert tensor_server.post({"rows": [ROW]}).status_code == 200
    assert 'status="500"' not in tensor_server.client.get("/metrics").text
