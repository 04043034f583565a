"""A worker in memory, with a model that adds three numbers up, and plain requests for it."""

import json
import math
import re
import struct

import msgspec
from toy_listener import Door

from sealift.serve.access import AccessLog
from sealift.serve.app import App
from sealift.serve.artifact import read
from sealift.serve.board import Board, Seat
from sealift.serve.cost import Cost
from sealift.serve.equality import Proof
from sealift.serve.guard import Guard
from sealift.serve.house import House
from sealift.serve.limits import Limits
from sealift.serve.ready import Readiness, certify
from sealift.serve.service import Service

PATH = "/v2/models/toy/infer"
LENGTH = "inference-header-content-length"


def infer(*rows, given=None):
    """A plain request for some rows of three numbers."""
    data = [value for row in rows for value in row]
    tensor = {"name": "X", "shape": [len(rows), 3], "datatype": "FP32", "data": data}
    return json.dumps({"inputs": [tensor]} | ({} if given is None else {"id": given})).encode()


def packed(*rows, **more):
    """The same, its tensor as bytes behind the JSON."""
    content = struct.pack(f"<{3 * len(rows)}f", *(value for row in rows for value in row))
    size = {"binary_data_size": len(content)}
    tensor = {"name": "X", "shape": [len(rows), 3], "datatype": "FP32", "parameters": size}
    head = json.dumps({"inputs": [tensor], **more}).encode()
    return posted(head + content, **{LENGTH: str(len(head))})


def posted(body, path=PATH, **headers):
    """A request as it travels."""
    fields = {"host": "x", "content-length": str(len(body)), **headers}
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Counted:
    """A model that tells how many rows each call had, and may fail or say no number for some."""

    def __init__(self, model):
        self._model = model
        self.calls = []
        self.fails = lambda rows: False
        self.spoils = None

    def __getattr__(self, name):
        return getattr(self._model, name)

    def run(self, feeds, options=None):
        """Ask the model."""
        (array,) = feeds.values()
        self.calls.append(len(array))
        if self.fails(array):
            raise RuntimeError("the model fails")
        outputs = self._model.run(feeds, options)
        if self.spoils is not None:
            for output in outputs.values():
                output[self.spoils(array)] = math.nan
        return outputs

    def bound(self, feeds, outputs):
        """Ask it, and put the outputs there."""

        def call():
            for name, output in self.run(feeds).items():
                outputs[name][...] = output

        return call


class Steady(Cost):
    """What short calls cost, on a machine that is busy too: no answer ever needs a thread."""

    def learn(self, rows, seconds):
        """Nothing."""


class Worker:
    """What a worker has, in memory; each door is a connection to it."""

    def __init__(self, folder, limits=None, recorder=None, mode="none", joined=512):
        artifact = read(folder)
        seat = self.seat = Seat(Board(1), 0)
        self.service = Service(
            artifact,
            Readiness(),
            recorder,
            limits or Limits(),
            seat,
            guard=Guard(artifact.contract),
            control=True,
        )
        self.joined = joined
        self.renew()
        self.service.readiness.set("ready")
        self.house = House([self.service], limits or Limits(), seat)
        self.access = AccessLog(mode)
        self.app = App(self.house, self.access, "")

    def renew(self):
        """Load the model, anew if it was loaded before."""
        certified = certify(self.service.artifact, threads=1)
        self.model = Counted(certified.model)
        # a machine that was busy while it was measured would have short calls wait for each other
        certified = msgspec.structs.replace(certified, model=self.model, call=1e-5, row=1e-7)
        self.service.install(certified, None, 1)
        self.service._batcher.cost = Steady(1e-5, 1e-7)
        self.service.join(Proof(self.joined, ""))

    def door(self, express=True):
        """A connection."""
        door = Door(self.app)
        door.express = self.app.express if express else None
        return door

    def turn(self, *requests):
        """The answers to requests of as many clients that come in one turn of the event loop."""
        doors = [self.door() for _ in requests]
        for door, request in zip(doors, requests, strict=True):
            door.come(request)
        self.app.express.answer()
        return [b"".join(door.wire.written) for door in doors]

    def alone(self, request):
        """The answer on the ordinary road."""
        door = self.door(express=False)
        door.come(request)
        return b"".join(door.wire.written)


def same(answer):
    """An answer without its date, and without an id that nobody gave."""
    text = re.sub(rb"date: [^\r]*\r\n", b"", answer)
    text = re.sub(rb"(traceresponse: 00-[0-9a-f]{32}-)[0-9a-f]{16}-", rb"\1?-", text)
    return re.sub(rb'(x-request-id: |"id":")[0-9a-f]{20}', rb"\1?", text)


ROWS = [(0.25, -0.5, 0.125 * number) for number in range(6)]
