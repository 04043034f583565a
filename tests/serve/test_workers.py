"""Several workers: one that dies or hangs is replaced, and together they are one server."""

import json
import os
import shutil
import signal
import socket
import threading
import time
from collections import Counter
from pathlib import Path

import httpx
import numpy as np
import onnx
import pytest
from toy_models import settings
from toy_running import Running, learn

from sealift.watch.log import Progress, pieces

ROW = {"a": 0.5, "b": 1.0, "c": -1.5}
BODY = json.dumps({"rows": [ROW]})
HEADERS = {"content-type": "application/json"}


def several(folder, tmp_path, workers=2, **settings):
    """A server of several workers."""
    return Running(folder, tmp_path / "log", SEALIFT_WORKERS=str(workers), **settings)


def workers(server):
    """The ids of the worker processes."""
    pid = server.process.pid
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def whole(server, count=2):
    """Wait until all workers are ready; their ids."""
    server.wait_for(lambda: sample(server, "sealift_workers_ready") == count)
    return workers(server)


def fresh(server, body=BODY, path="/predict"):
    """A request on a connection of its own."""
    return apart(server).post(path, content=body, headers=HEADERS)


def apart(server):
    """A client that keeps no connection."""
    if not hasattr(server, "apart"):
        limits = httpx.Limits(max_keepalive_connections=0)
        server.apart = httpx.Client(base_url=server.url, timeout=60, limits=limits)
    return server.apart


def sample(server, name):
    """A number on the page of metrics, asked for on a connection of its own."""
    text = apart(server).get("/metrics").text
    for line in text.splitlines():
        if line.startswith(f"{name} "):
            return float(line.split()[-1])
    return 0.0


def events(server, name):
    """What it logged under a name."""
    return [event for event in server.events() if event["event"] == name]


def test_a_killed_worker_is_replaced_and_its_counts_stay(tensor_folder, tmp_path):
    """What it had counted is not lost, its death is counted and logged, the others go on."""
    ok = 'sealift_requests_total{route="predict",status="200"}'
    with several(tensor_folder, tmp_path) as server:
        first = whole(server.ready())
        for _ in range(20):
            assert fresh(server).status_code == 200
        server.wait_for(lambda: sample(server, ok) == 20)
        os.kill(first[0], signal.SIGKILL)
        server.wait_for(lambda: len(set(workers(server)) - set(first)) == 1)
        second = whole(server)
        for _ in range(20):
            assert fresh(server).status_code == 200

        server.wait_for(lambda: sample(server, ok) == 40)
        assert sample(server, "sealift_rows_total") == 40
        assert sample(server, 'sealift_workers_died_total{cause="signal"}') == 1
        assert sample(server, "sealift_in_flight") == 1
        stats = server.client.get("/v2/models/toy/stats").json()["model_stats"][0]
        assert (stats["inference_count"], stats["execution_count"]) == (40, 40)
        assert len(second) == 2
        assert first[1] in second
        (died,) = events(server, "worker_died")
        assert (died["pid"], died["status"], died["cause"]) == (first[0], "SIGKILL", "signal")
        assert server.terminate() == 0


def test_a_worker_that_stands_still_is_replaced(tensor_folder, tmp_path):
    """Its event loop does not go round for longer than the bound."""
    with several(tensor_folder, tmp_path, SEALIFT_HANG="2") as server:
        first = whole(server.ready())
        os.kill(first[1], signal.SIGSTOP)
        server.wait_for(lambda: first[1] not in workers(server))
        assert first[0] in whole(server)
        assert sample(server, 'sealift_workers_died_total{cause="hung"}') == 1


def test_connections_that_a_worker_had_not_taken_outlive_it(tensor_folder, tmp_path):
    """They wait for the one that takes its place: every request is answered."""
    with several(tensor_folder, tmp_path) as server:
        first = whole(server.ready())
        os.kill(first[0], signal.SIGSTOP)
        server.wait_for(lambda: stopped(first[0]))
        request = b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        request += f"content-length: {len(BODY)}\r\n\r\n{BODY}".encode()
        opened = [socket.create_connection(("127.0.0.1", server.port), 10) for _ in range(32)]
        for one in opened:
            one.sendall(request)
        time.sleep(0.3)
        os.kill(first[0], signal.SIGKILL)

        assert {one.recv(65536)[:15] for one in opened} == {b"HTTP/1.1 200 OK"}
        for one in opened:
            one.close()


def stopped(pid):
    """Whether every thread of a process stands still."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return all((task / "stat").read_text().rpartition(") ")[2][0] == "T" for task in tasks)


def test_the_workers_end_when_their_parent_is_killed(tensor_folder, tmp_path):
    """They drain as if they had been told to end, and the port gets free."""
    with several(tensor_folder, tmp_path, SEALIFT_DRAIN="0.2") as server:
        first = whole(server.ready())
        server.process.kill()
        server.process.wait()
        deadline = time.monotonic() + 60
        while any(Path(f"/proc/{pid}/exe").exists() for pid in first):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", server.port), 5)


def test_a_worker_that_dies_again_and_again_does_not_take_the_others_along(tensor_folder, tmp_path):
    """It is replaced after longer and longer pauses, in which the others get the connections."""
    with several(tensor_folder, tmp_path) as server:
        kept, doomed = whole(server.ready())
        for _ in range(3):
            os.kill(doomed, signal.SIGKILL)
            server.wait_for(lambda doomed=doomed: doomed not in workers(server))
            for _ in range(8):
                assert fresh(server).status_code == 200
            server.wait_for(lambda: len(workers(server)) == 2)
            doomed = next(pid for pid in whole(server) if pid != kept)
        assert [event["again"] for event in events(server, "worker_died")] == [0.0, 0.5, 1.0]


def test_all_workers_end_under_load_without_losing_a_request(tensor_folder, tmp_path):
    """Eight clients across SIGTERM, until an answer asks them to go elsewhere."""
    with several(tensor_folder, tmp_path, SEALIFT_DRAIN="1") as server:
        whole(server.ready())
        outcomes = Counter()
        clients = [threading.Thread(target=ask, args=(server.url, outcomes)) for _ in range(8)]
        for thread in clients:
            thread.start()
        deadline = time.monotonic() + 60
        while outcomes[200] <= 100 and time.monotonic() < deadline:
            time.sleep(0.02)
        status = server.terminate()
        for thread in clients:
            thread.join(60)
    assert status == 0
    assert outcomes[200] > 100
    assert set(outcomes) == {200}
    assert server.events()[-1]["event"] == "ended"
    assert server.events()[-1]["finished"] is True


def ask(url, outcomes):
    """Requests on a kept connection until an answer closes it."""
    with httpx.Client(base_url=url, timeout=60, headers=HEADERS) as client:
        while True:
            try:
                answer = client.post("/predict", content=BODY)
            except httpx.TransportError as error:
                outcomes[type(error).__name__] += 1
                return
            outcomes[answer.status_code] += 1
            if answer.headers.get("connection") == "close":
                return


def test_loading_and_unloading_reach_every_worker(tensor_folder, tmp_path):
    """One worker is told; after that no other one answers as before."""
    with several(tensor_folder, tmp_path, 3, SEALIFT_MODEL_CONTROL="explicit") as server:
        whole(server.ready(), 3)
        for _ in range(3):
            assert fresh(server, "{}", "/v2/repository/models/toy/unload").status_code == 200
            assert {fresh(server).status_code for _ in range(20)} == {503}
            assert fresh(server, "{}", "/v2/repository/models/toy/load").status_code == 200
            assert {fresh(server).status_code for _ in range(20)} == {200}
        # one that takes the place of another follows too
        fresh(server, "{}", "/v2/repository/models/toy/unload")
        for pid in workers(server):
            os.kill(pid, signal.SIGKILL)
        server.wait_for(lambda: len(workers(server)) == 3)
        assert {fresh(server).status_code for _ in range(20)} == {503}


def test_every_worker_writes_records_that_are_read_whole(tensor_folder, tmp_path):
    """Two workers, one of them killed and replaced: each prediction stands in the log once."""
    records = tmp_path / "records" / "one"
    with several(tensor_folder, tmp_path, SEALIFT_RECORDS=str(records)) as server:
        first = whole(server.ready())
        asked = {fresh(server).headers["x-request-id"] for _ in range(30)}
        server.wait_for(lambda: sample(server, "sealift_records_written_total") == 30)
        os.kill(first[0], signal.SIGKILL)
        server.wait_for(lambda: len(set(workers(server)) - set(first)) == 1)
        asked |= {fresh(server).headers["x-request-id"] for _ in range(30)}
        assert server.terminate() == 0
    assert len(list(records.iterdir())) == 3
    read = [one.id for piece in pieces(records.parent, Progress()) for one in piece.predictions]
    assert Counter(read) == Counter(asked)


def test_the_workers_share_the_memory_of_the_model(tensor_folder, tmp_path):
    """Weights of 32 MiB are there once, not once for each of three workers."""
    weights = 32 << 20
    folder = shutil.copytree(tensor_folder, tmp_path / "model")
    enlarge(folder / "model.onnx", weights)
    with several(folder, tmp_path, 3) as server:
        pids = whole(server.ready(), 3)
        own = [private(pid) for pid in pids]
    assert max(own) < weights / 2


def enlarge(path, size):
    """Add weights to a model that change nothing."""
    model = onnx.load(str(path))
    side = int((size / 4) ** 0.5)
    extra = np.zeros((side, side), np.float32)
    model.graph.initializer.append(onnx.numpy_helper.from_array(extra, "extra"))
    model.graph.initializer.append(
        onnx.numpy_helper.from_array(np.ones((1, side), np.float32), "e")
    )
    model.graph.node[-1].output[0] = "before"
    for node in (
        onnx.helper.make_node("ReduceSum", ["X"], ["sum"], keepdims=0),
        onnx.helper.make_node("Mul", ["sum", "e"], ["row"]),
        onnx.helper.make_node("MatMul", ["row", "extra"], ["zeros"]),
        onnx.helper.make_node("ReduceSum", ["zeros"], ["zero"], keepdims=0),
        onnx.helper.make_node("Add", ["before", "zero"], ["y"]),
    ):
        model.graph.node.append(node)
    onnx.save(model, str(path))


def private(pid):
    """Bytes of memory that a process shares with nobody."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith("Private_"))


def test_a_server_that_loads_for_long_says_so(tmp_path):
    """Alive and not ready, with the reason, though the model takes seconds to be loaded; then
    ready, and no request in between is refused otherwise."""
    folder = program(tmp_path / "slow", loading="time.sleep(3)")
    seen = set()
    with several(folder, tmp_path) as server:

        def ready():
            answer = apart(server).get("/v2/health/ready")
            seen.add((answer.status_code, answer.json().get("error", "")))
            return answer.status_code == 200

        server.wait_for(lambda: apart(server).get("/v2/health/live").status_code == 200)
        server.wait_for(ready)
        assert {fresh(server, json.dumps({"rows": [{"a": 1}]})).json()["predictions"][0]} == {1.0}
        assert server.terminate() == 0
    assert seen == {(503, "The model is being loaded."), (200, "")}


def program(folder, loading="", predicting=""):
    """A program that gives what it gets, with code that it did not have when it was learnt."""
    code = folder / "in" / "model" / "code"
    code.mkdir(parents=True)
    source = (
        "import ctypes, time\n\ndef load(folder):\n    {}\n\ndef predict(model, inputs):\n    {}"
    )
    source += "\n    return inputs['a'].astype(float)\n"
    (code / "predict.py").write_text(source.format("pass", "pass"))
    (folder / "in" / "table").write_text("a,y\n" + "".join(f"{n},{n}\n" for n in range(20)))
    settings(folder / "in" / "settings.json", target="y", predict="p")
    learn(folder / "in", folder / "model")
    shutil.copytree(folder / "in" / "model", folder / "model", dirs_exist_ok=True)
    (folder / "model" / "model.json").write_text('{"name": "toy", "version": 3}')
    text = source.format(loading or "pass", predicting or "pass")
    (folder / "model" / "code" / "predict.py").write_text(text)
    return folder / "model"


def broken(server, value):
    """Ask for a row that breaks the worker; what came of the request."""
    with pytest.raises(httpx.TransportError):
        fresh(server, json.dumps({"rows": [{"a": value}]}))


def test_the_log_tells_where_a_worker_crashed(tmp_path):
    """A program that reads at address 0 takes its worker along, and its own request only."""
    crash = "ctypes.string_at(0) if inputs['a'][0] == 30 else 0"
    with several(program(tmp_path / "crash", predicting=crash), tmp_path) as server:
        whole(server.ready())
        broken(server, 30)
        server.wait_for(lambda: events(server, "worker_died"))
        whole(server)
        assert fresh(server, json.dumps({"rows": [{"a": 1}]})).status_code == 200
    (died,) = events(server, "worker_died")
    assert (died["cause"], died["status"]) == ("signal", "SIGSEGV")
    assert 'predict.py", line 7 in predict' in died["trace"]


def test_the_log_tells_where_a_worker_stood_still(tmp_path):
    """A program that never lets go of the interpreter is replaced, with its stacks in the log."""
    hang = "ctypes.PyDLL(None).sleep(60) if inputs['a'][0] == 30 else 0"
    folder = program(tmp_path / "hang", predicting=hang)
    with several(folder, tmp_path, SEALIFT_HANG="2") as server:
        whole(server.ready())
        broken(server, 30)
        server.wait_for(lambda: events(server, "worker_died"))
        whole(server)
    (died,) = events(server, "worker_died")
    assert died["cause"] == "hung"
    assert 'predict.py", line 7 in predict' in died["trace"]
