"""gRPC on the port of HTTP, asked directly and through the router."""

import socket
import threading
import time
from collections import Counter

import grpc
import pytest
from test_workers_routed import kill_one
from toy_grpc import Client, codes, infer, values
from toy_running import Running
from toy_wire import packed

from sealift.adapters.routers.traefik import Traefik
from sealift.record.route import Backend, Route

ROWS = [[0.5, 1.0, -1.5], [0.0, 0.25, 1.0]]
ANSWERS = [-3.0, 2.6875]
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = bytes(3) + b"\x04" + bytes(5)


def rows(given=ROWS):
    """A request in raw bytes."""
    return infer([("X", "FP32", [len(given), 3], packed(given, "f4"))])


class Address:
    """Where a client of gRPC goes."""

    def __init__(self, url):
        self.grpc = int(url.rpartition(":")[2])


@pytest.fixture(scope="module")
def plain(tensor_folder, tmp_path_factory):
    """Two servers without a port for gRPC alone, which stand for two versions."""
    scratch = tmp_path_factory.mktemp("plain")
    with (
        Running(tensor_folder, scratch / "one") as one,
        Running(tensor_folder, scratch / "two") as two,
    ):
        one.ready()
        two.ready()
        yield one, two


def test_the_port_of_http_answers_calls_too(plain):
    """By HTTP/2 with prior knowledge, beside requests by HTTP/1.1."""
    with Client(Address(plain[0].url)) as client:
        assert values(client.stub.ModelInfer(rows())) == {"y": ANSWERS}
        assert plain[0].client.get("/v2/health/ready").status_code == 200
        assert values(client.stub.ModelInfer(rows())) == {"y": ANSWERS}


@pytest.mark.parametrize("size", [1, 3, 17, 18, 19, 24, 100])
def test_a_client_may_begin_as_slowly_as_it_likes(plain, size):
    """However its first bytes are cut, the server greets it with its settings."""
    said = PREFACE + SETTINGS
    with socket.create_connection(("127.0.0.1", Address(plain[0].url).grpc), timeout=30) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for begin in range(0, len(said), size):
            client.sendall(said[begin : begin + size])
            time.sleep(0.001)
        assert client.recv(9)[3] == 4


def test_who_spoke_http_1_does_not_change_to_another(plain):
    """The preface is the beginning of a connection, and nothing else."""
    with socket.create_connection(("127.0.0.1", Address(plain[0].url).grpc), timeout=30) as client:
        client.sendall(b"GET /v2/health/live HTTP/1.1\r\nhost: x\r\n\r\n" + PREFACE + SETTINGS)
        told = b""
        while more := client.recv(4096):
            told += more
    assert told.startswith(b"HTTP/1.1 200 ")
    assert told.count(b"HTTP/1.1 400 ") == 1


def settled(router, count):
    """What the router has seen, once there is enough of it."""
    seen, cursor, until = [], None, time.monotonic() + 30
    while len(seen) < count and time.monotonic() < until:
        more, cursor = router.events(cursor)
        seen += more
    return seen


def test_the_router_splits_calls_and_counts_them(plain, tmp_path):
    """By the weights of the route; each call with its version, its generation, and a refused one
    with the status that REST would have had."""
    router = Traefik(tmp_path / "live", service="toy")
    router.start()
    try:
        backends = [
            Backend(version=number, weight=weight, urls=(server.url,))
            for number, weight, server in zip((1, 2), (750, 250), plain, strict=True)
        ]
        router.apply(Route(service="toy", generation=7, backends=tuple(backends)))
        with Client(Address(router.address)) as client:
            for _ in range(40):
                assert values(client.stub.ModelInfer(rows())) == {"y": ANSWERS}
            wrong = client.fails(rows([[float("inf"), 0.0, 0.0]]))
            assert codes(wrong)[:2] == ("INVALID_ARGUMENT", "out_of_range")
            assert list(client.stub.ModelStreamInfer(iter([rows(), rows()])))
        seen = settled(router, 41)
    finally:
        router.stop()
    assert Counter(one.version for one in seen if one.status == 200) == {1: 30, 2: 10}
    assert {one.generation for one in seen} == {7}
    assert Counter(one.status for one in seen) == {200: 40, 400: 1}


def test_calls_without_a_version_behind_them_fail_at_once(tmp_path):
    """As requests do, with a code that says that nobody is there."""
    router = Traefik(tmp_path / "live", service="toy")
    router.start()
    try:
        router.apply(Route(service="toy", generation=1, backends=()))
        with Client(Address(router.address)) as client:
            assert codes(client.fails(rows()))[0] == "UNAVAILABLE"
    finally:
        router.stop()


def test_a_worker_killed_under_load_costs_no_call(tensor_folder, tmp_path):
    """All calls share few connections, which break with it: the router asks again."""
    with Running(tensor_folder, tmp_path / "log", SEALIFT_WORKERS="2") as server:
        server.ready()
        router = Traefik(tmp_path / "live", service="toy")
        router.start()
        outcomes, ending = Counter(), threading.Event()

        def ask():
            with Client(Address(router.address)) as client:
                while not ending.is_set():
                    try:
                        answer = client.stub.ModelInfer(rows(), timeout=30)
                        outcomes[values(answer) == {"y": ANSWERS}] += 1
                    except grpc.RpcError as error:
                        outcomes[f"{error.code().name}: {error.details()}"] += 1

        try:
            backend = Backend(version=1, weight=100, urls=(server.url,))
            router.apply(Route(service="toy", generation=1, backends=(backend,)))
            clients = [threading.Thread(target=ask) for _ in range(4)]
            for client in clients:
                client.start()
            for _ in range(3):
                kill_one(server, outcomes, True)
            ending.set()
            for client in clients:
                client.join(60)
        finally:
            ending.set()
            router.stop()
    assert set(outcomes) == {True}
