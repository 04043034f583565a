"""Calls of gRPC through a real gateway, over one connection that lasts, while requests move."""

import struct
import threading
import time
from collections import Counter
from urllib.parse import urlsplit

import grpc
from real_cluster import until
from tritonclient.grpc import service_pb2, service_pb2_grpc

CANARY = ("release", "--env", "production", "--json", "-m", "2")


class Calls(threading.Thread):
    """Calls one after another until the context is closed; ``lost`` are those that failed."""

    def __init__(self, project):
        super().__init__()
        self._over = threading.Event()
        self._target = urlsplit(project.place.address).netloc
        self._host = project.host
        self._model = project.name
        self.seen = Counter()
        self.lost = []

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self.join()

    def run(self):
        """Over one channel; at most 50 times a second, and for 4 minutes."""
        options = [("grpc.default_authority", self._host), ("grpc.enable_retries", 0)]
        ends = time.monotonic() + 240
        with grpc.insecure_channel(self._target, options=options) as channel:
            stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
            while not self._over.wait(0.02) and time.monotonic() < ends:
                self._call(stub)

    def _call(self, stub):
        request = service_pb2.ModelInferRequest(model_name=self._model)
        request.inputs.add(name="x", datatype="FP32", shape=[1, 1])
        request.raw_input_contents.append(struct.pack("<f", 7.0))
        try:
            answer, call = stub.ModelInfer.with_call(request, timeout=30)
        except grpc.RpcError as error:
            self.lost.append(f"{time.strftime('%T')} {error.code().name}: {error.details()}")
            return
        metadata = dict((*call.initial_metadata(), *call.trailing_metadata()))
        self.seen[int(metadata.get("x-sealift-version", "0"))] += bool(answer.outputs)


def test_calls_follow_a_canary_to_its_end(serving):
    """By the weights of the route as requests do; they alone are its evidence."""
    with Calls(serving) as calls:
        until(lambda: calls.seen[1] > 5 or calls.lost, "calls are answered")
        ended = serving.answer(*CANARY)["release"]
        last = calls.seen[1]
        until(lambda: calls.seen[2] > last, "model 2 answers")

    assert calls.lost == []
    assert ended["outcome"] == "promoted"
    assert calls.seen.keys() == {1, 2}
    assert calls.seen[1] - last <= 1
    assert 0 < ended["audit"]["by_version"]["2"] <= calls.seen[2]
    assert ended["audit"]["failed"] == 0
