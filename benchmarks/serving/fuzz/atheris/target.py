"""Inputs that atheris finds by coverage, into the whole server in memory: ``target.py MODEL``.

The first byte of an input chooses its form, the second two the length of the JSON head or a
header; the rest is the body. Anything but an answer below 500 with a body that can be read ends
the run, and libFuzzer keeps the input.
"""

import asyncio
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["sealift"]):
    from sealift.serve.access import AccessLog
    from sealift.serve.app import App
    from sealift.serve.artifact import read
    from sealift.serve.board import Board, Seat
    from sealift.serve.ready import Readiness, certify
    from sealift.serve.service import Limits, Service

FORMS = [
    ("/predict", {"content-type": "application/json"}),
    ("/v2/models/toy/infer", {"content-type": "application/json"}),
    ("/predict", {"content-type": "text/csv"}),
    ("/predict", {"content-type": "application/jsonl"}),
    ("/v2/models/toy/infer", {"content-type": "application/octet-stream"}),
    ("/predict", {"content-encoding": "gzip"}),
    ("/predict", {"content-encoding": "deflate"}),
    ("/v2/repository/index", {}),
]
HEADERS = ["accept", "traceparent", "x-request-id", "x-sealift-timeout", "x-sealift-generation"]


class Scope:
    """A request as Granian hands it over."""

    proto, http_version, method = "http", "1.1", "POST"
    scheme, authority, server, client, query_string = "http", "x", "x", "x:1", ""

    def __init__(self, path, headers):
        self.path, self.headers = path, headers


class Protocol:
    """The body, and the answer."""

    def __init__(self, body):
        self._body = body
        self.answer = None

    async def __call__(self):
        return self._body

    async def client_disconnect(self):
        await asyncio.Event().wait()

    def response_bytes(self, status, headers, body):
        self.answer = (status, headers, body)

    def response_str(self, status, headers, body):
        self.answer = (status, headers, body.encode())


class Target:
    """The server, made once."""

    def __init__(self, folder):
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)
        artifact = read(folder)
        outcome = certify(artifact, threads=1)
        service = Service(artifact, Readiness(), None, Limits(), Seat(Board(1), 0))
        service.install(outcome, ThreadPoolExecutor(1), 1)
        service.readiness.set("ready")
        self.app = App(service, AccessLog("none"), "")

    def __call__(self, data):
        if len(data) < 3:
            return
        path, headers = FORMS[data[0] % len(FORMS)]
        headers = {**headers, "content-length": str(len(data) - 3)}
        extra, body = int.from_bytes(data[1:3], "little"), bytes(data[3:])
        if "octet" in headers.get("content-type", ""):
            headers["inference-header-content-length"] = str(extra)
        elif extra:
            name = HEADERS[extra % len(HEADERS)]
            headers[name] = body[:40].decode("latin-1").split("\n")[0].strip("\r\0 ")
        protocol = Protocol(body)
        self.loop.run_until_complete(self.app.__rsgi__(Scope(path, headers), protocol))
        status, _, answer = protocol.answer
        if status >= 500:
            raise RuntimeError(f"status {status}: {answer[:200]!r}")
        if status >= 400 and "error" not in json.loads(answer):
            raise RuntimeError(f"status {status} without a reason")


if __name__ == "__main__":
    target = Target(Path(os.environ["MODEL"]))
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()
