"""What is too much, too late or too slow is turned away; what is under way stays within bounds."""

import json
import socket
import threading
from collections import Counter

import pytest
import toy_models as models
from toy_listener import listened
from toy_running import Running, build

from sealift.serve import connections

ROW = {"a": 0.1, "b": 0.2, "c": 0.3}
HEAD = b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"


@pytest.fixture(scope="module")
def slow_server(tmp_path_factory):
    """A model that takes milliseconds a row, and a fifth of a second for others to wait."""
    folder = tmp_path_factory.mktemp("slow")
    model = build(folder, models.slow_model, models.tensor_table, target="y")
    with Running(model, folder / "log", SEALIFT_MAX_WAIT="0.2") as server:
        yield server.ready()


def sample(server, name):
    """A number on the page of metrics."""
    for line in server.client.get("/metrics").text.splitlines():
        if line.startswith(f"{name} "):
            return float(line.rpartition(" ")[2])
    raise AssertionError(name)


def infer(rows, **parameters):
    """A protocol request for so many rows."""
    tensor = {"name": "X", "shape": [rows, 3], "datatype": "FP32", "data": [0.1, 0.2, 0.3] * rows}
    return {"inputs": [tensor], "parameters": parameters}


def test_a_deadline_ends_the_work(slow_server):
    """408 by the protocol's timeout in microseconds and by the header in seconds; then the
    model's thread is free again, though the whole work would have taken long."""
    by_parameter = slow_server.post(infer(4000, timeout=50_000), path="/v2/models/toy/infer")
    by_header = slow_server.post({"rows": [ROW] * 4000}, **{"x-sealift-timeout": "0.05"})

    for answer in (by_parameter, by_header):
        assert (answer.status_code, answer.json()["code"]) == (408, "deadline")
    slow_server.wait_for(lambda: slow_server.post({"rows": [ROW] * 50}).status_code == 200)
    assert sample(slow_server, "sealift_waiting") == 0


def test_the_servers_own_deadline_is_another_matter(slow_server, tmp_path):
    """504: what a client wishes never looks like a server that fails, what the server fails to
    do in its own time does."""
    folder = slow_server.log.parent / "model"
    with Running(folder, tmp_path / "log", SEALIFT_TIMEOUT="0.05") as server:
        server.ready()
        own = server.post({"rows": [ROW] * 4000})
        sooner = server.post({"rows": [ROW] * 4000}, **{"x-sealift-timeout": "0.04"})
        later = server.post({"rows": [ROW] * 4000}, **{"x-sealift-timeout": "60"})

    assert [answer.status_code for answer in (own, sooner, later)] == [504, 408, 504]


@pytest.mark.parametrize("value", ["", "60", "1e3"])
def test_a_deadline_far_away_changes_nothing(slow_server, value):
    """As many seconds as it says, or none."""
    answer = slow_server.post({"rows": [ROW]}, **{"x-sealift-timeout": value})

    assert answer.status_code == 200


@pytest.mark.parametrize("value", ["x", "0", "-1", "nan", "inf", "1e7", "9" * 400, "1,2"])
def test_a_bad_deadline_is_refused(tensor_server, value):
    """400, at the header."""
    answer = tensor_server.post({"rows": [ROW]}, **{"x-sealift-timeout": value})

    assert (answer.status_code, answer.json()["path"]) == (400, "X-Sealift-Timeout")


def test_overload_is_shed(slow_server):
    """Some get answers, the others 429 and when to come again; nobody waits without bound."""
    outcomes, waits = Counter(), []
    body = json.dumps({"rows": [ROW] * 400})

    def ask():
        with slow_server.client_of() as client:
            for _ in range(3):
                answer = client.post(
                    "/predict", content=body, headers={"content-type": "application/json"}
                )
                outcomes[answer.status_code] += 1
                if answer.status_code == 429:
                    assert answer.json()["code"] == "overloaded"
                    waits.append(int(answer.headers["retry-after"]))

    clients = [threading.Thread(target=ask) for _ in range(16)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()

    assert set(outcomes) == {200, 429}
    assert waits
    assert min(waits) >= 1
    assert slow_server.post({"rows": [ROW]}).status_code == 200


def test_a_client_that_leaves_frees_its_place(slow_server):
    """The call is counted as given up, and the server answers others."""
    body = json.dumps({"rows": [ROW] * 4000}).encode()
    gone = 'sealift_refused_total{code="gone"}'
    before = sample(slow_server, gone) if gone in slow_server.client.get("/metrics").text else 0
    for _ in range(3):
        # what was given up ends at the model's next step; until then the server is busy
        slow_server.wait_for(lambda: slow_server.post({"rows": [ROW] * 50}).status_code == 200)
        with socket.create_connection(("127.0.0.1", slow_server.port)) as connection:
            connection.sendall(HEAD + f"content-length: {len(body)}\r\n\r\n".encode() + body)
            slow_server.wait_for(lambda: sample(slow_server, "sealift_in_flight") >= 2)
        slow_server.wait_for(lambda: sample(slow_server, "sealift_in_flight") == 1)

    assert sample(slow_server, gone) == before + 3
    assert sample(slow_server, "sealift_waiting") == 0
    assert slow_server.post({"rows": [ROW]}).status_code == 200


def test_bodies_under_way_share_a_bound(tensor_folder, tmp_path):
    """A second large body is turned away while a first one is held back; afterwards not."""
    with Running(
        tensor_folder,
        tmp_path / "log",
        SEALIFT_MAX_BODY="100000",
        SEALIFT_MAX_BODIES="100000",
    ) as server:
        server.ready()
        padding = b" " * 90_000
        with socket.create_connection(("127.0.0.1", server.port)) as held:
            held.sendall(HEAD + b"content-length: 95000\r\n\r\n" + padding)
            server.wait_for(lambda: sample(server, "sealift_body_bytes") == 95_000)
            answer = server.post(padding)
            assert (answer.status_code, answer.json()["code"]) == (429, "overloaded")
            assert answer.headers["retry-after"] == "1"
            assert server.post({"rows": [ROW]}).status_code == 200
        server.wait_for(lambda: sample(server, "sealift_body_bytes") == 0)
        assert server.post(json.dumps({"rows": [ROW]}).encode() + padding).status_code == 200


def test_a_body_that_does_not_arrive_is_given_up():
    """408, for those that are late alone: others on the same listener are answered."""

    async def scene(app, opening):
        late, late_out = await opening()
        late_out.write(HEAD + b"content-length: 9\r\n\r\nhalf")
        soon, soon_out = await opening()
        soon_out.write(HEAD + b"content-length: 4\r\n\r\nhere")
        assert (await soon.readuntil(b"\r\n\r\n4")).startswith(b"HTTP/1.1 200")
        assert (await late.read()).endswith(b"refused")
        return app.refusals

    assert listened(scene, patience=0.05) == [(408, "too_slow")]


def test_idle_connections_shut_nobody_out(tensor_server):
    """Kept ones, and ones whose header never ends."""
    idle = [socket.create_connection(("127.0.0.1", tensor_server.port)) for _ in range(400)]
    for connection in idle[::2]:
        connection.sendall(HEAD)
    assert tensor_server.post({"rows": [{"a": 1, "b": 1, "c": 1}]}).status_code == 200
    for connection in idle:
        connection.close()


@pytest.mark.parametrize(("files", "open_at_once"), [(1024, 960), (20_000, 16_384), (-1, 16_384)])
def test_as_many_connections_as_files_may_be_open(files, open_at_once):
    """With some to spare, and no more than are of use."""
    assert connections.most(files) == open_at_once


@pytest.mark.parametrize(
    ("length", "close"), [(200, False), (99_999, False), (100_000, True), (10**9, True)]
)
def test_a_body_that_is_not_wanted_is_read_or_ends_the_connection(tensor_server, length, close):
    """A client must never send its next request on a connection that is being closed."""
    head = f"POST /nothing HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", tensor_server.port), timeout=10) as connection:
        connection.sendall(head)
        if not close:
            connection.sendall(b" " * length)
        answer = connection.recv(65536)
        if not close:
            connection.sendall(b"GET /v2/health/live HTTP/1.1\r\nhost: x\r\n\r\n")
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")

    assert answer.startswith(b"HTTP/1.1 404")
    assert (b"connection: close" in answer) == close
