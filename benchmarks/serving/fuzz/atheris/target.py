"""Inputs that atheris finds by coverage, into the whole server in memory: ``target.py MODEL``.

The first byte of an input chooses its form, the next two the length of the JSON head or a further
header; the rest is the body. A fault ends the run, and libFuzzer keeps the input.
"""

import os
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["sealift"]):
    from benchmarks.serving.fuzz.memory import Memory

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

server = Memory(Path(os.environ["MODEL"]))


def target(data):
    """Ask the server what an input stands for."""
    if len(data) < 3:
        return
    path, headers = FORMS[data[0] % len(FORMS)]
    extra, body = int.from_bytes(data[1:3], "little"), bytes(data[3:])
    if "octet" in headers.get("content-type", ""):
        headers = {**headers, "inference-header-content-length": str(extra)}
    elif extra:
        value = body[:40].decode("latin-1").split("\n")[0].strip("\r\0 ")
        headers = {**headers, HEADERS[extra % len(HEADERS)]: value}
    server.ask(path, headers, body)


atheris.Setup(sys.argv, target)
atheris.Fuzz()
