"""Workers that are killed under load, behind the router."""

import json
import os
import signal
import threading
import time
from collections import Counter
from pathlib import Path

import httpx
from toy_running import Running

from sealift.adapters.routers.traefik import Traefik
from sealift.record.route import Backend, Route

BODY = json.dumps({"rows": [{"a": 0.5, "b": 1.0, "c": -1.5}]})
CLIENTS = 8
KILLS = 4


def test_workers_killed_under_load_cost_no_request(tensor_folder, tmp_path):
    """Eight clients ask all the time while workers are killed, one after the other: each request
    is answered, since the router asks again for those that broke."""
    with Running(tensor_folder, tmp_path / "log", SEALIFT_WORKERS="2") as server:
        server.ready()
        router = Traefik(tmp_path / "live", service="toy")
        router.start()
        try:
            backend = Backend(version=3, weight=100, urls=(server.url,))
            router.apply(Route(service="toy", generation=1, backends=(backend,)))
            outcomes = Counter()
            ending = threading.Event()
            clients = [
                threading.Thread(target=ask, args=(router.address, outcomes, ending))
                for _ in range(CLIENTS)
            ]
            for client in clients:
                client.start()
            killed = [kill_one(server, outcomes) for _ in range(KILLS)]
            ending.set()
            for client in clients:
                client.join(30)
        finally:
            router.stop()
        deaths = [event["pid"] for event in server.events() if event["event"] == "worker_died"]
        assert server.terminate() == 0
    assert deaths == killed
    assert set(outcomes) == {200}
    assert outcomes[200] > KILLS * 100


def kill_one(server, outcomes, answered=200):
    """Kill the oldest worker when a further hundred answers have come; its id."""
    pid = server.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children")
    enough = outcomes[answered] + 100
    server.wait_for(lambda: outcomes[answered] >= enough and len(children.read_text().split()) == 2)
    doomed = min(map(int, children.read_text().split()))
    os.kill(doomed, signal.SIGKILL)
    server.wait_for(lambda: str(doomed) not in children.read_text().split())
    return doomed


def ask(url, outcomes, ending):
    """Requests on a kept connection until the end."""
    headers = {"content-type": "application/json"}
    with httpx.Client(base_url=url, timeout=30, headers=headers) as client:
        while not ending.is_set():
            try:
                outcomes[client.post("/predict", content=BODY).status_code] += 1
            except httpx.TransportError as error:
                outcomes[type(error).__name__] += 1
                time.sleep(0.1)
