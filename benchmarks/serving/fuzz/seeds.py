"""Good requests of every form, from which damaged ones are made."""

from __future__ import annotations

import gzip
import json
import struct
import zlib
from dataclasses import dataclass, field

PREDICT = "/predict"
INFER = "/v2/models/toy/infer"
GOOD = {"carrier": "UA", "hour": 9, "distance": 100.5, "holiday": False}
KINDS = {"carrier": "BYTES", "hour": "INT64", "distance": "FP32", "holiday": "BOOL"}


@dataclass(frozen=True)
class Seed:
    """A request that is answered with 200."""

    path: str
    headers: dict[str, str]
    body: bytes
    tree: object = field(default=None)


def seeds() -> list[Seed]:
    """One of each form: JSON, lines, CSV, tensors in JSON and in bytes, compressed, and rest."""
    rows = {"rows": [GOOD, {**GOOD, "distance": None}], "id": "a-1"}
    tensors = tensor_tree()
    text = json.dumps(rows).encode()
    lines = b"\n".join(json.dumps(row).encode() for row in (GOOD, GOOD))
    table = b"carrier,hour,distance,holiday\nUA,9,100.5,false\nAA,10,,true\n"
    kind = "content-type"
    return [
        Seed(PREDICT, {kind: "application/json"}, text, rows),
        Seed(INFER, {kind: "application/json"}, json.dumps(tensors).encode(), tensors),
        Seed(PREDICT, {kind: "text/csv"}, table),
        Seed(PREDICT, {kind: "application/jsonl"}, lines),
        binary(),
        Seed(
            PREDICT,
            {kind: "application/json", "content-encoding": "gzip"},
            gzip.compress(text, mtime=0),
        ),
        Seed(PREDICT, {"content-encoding": "deflate"}, zlib.compress(text)),
        Seed("/v2/repository/index", {kind: "application/json"}, b'{"ready": true}'),
    ]


def tensor_tree() -> dict[str, object]:
    """One row as tensors of the protocol, all outputs asked for by name."""
    inputs = [
        {"name": name, "shape": [1], "datatype": kind, "data": [GOOD[name]]}
        for name, kind in KINDS.items()
    ]
    outputs = [{"name": "delay", "parameters": {"binary_data": False}}]
    return {"id": "b-1", "inputs": inputs, "outputs": outputs, "parameters": {"timeout": 9000000}}


def binary() -> Seed:
    """The same row in the binary tensor extension."""
    values = {
        "carrier": struct.pack("<I", 2) + b"UA",
        "hour": struct.pack("<q", 9),
        "distance": struct.pack("<f", 100.5),
        "holiday": b"\0",
    }
    inputs = [
        {
            "name": name,
            "shape": [1],
            "datatype": KINDS[name],
            "parameters": {"binary_data_size": len(value)},
        }
        for name, value in values.items()
    ]
    head = json.dumps({"inputs": inputs, "parameters": {"binary_data_output": True}}).encode()
    headers = {
        "content-type": "application/octet-stream",
        "inference-header-content-length": str(len(head)),
    }
    return Seed(INFER, headers, head + b"".join(values.values()))


__all__ = ["GOOD", "INFER", "KINDS", "PREDICT", "Seed", "binary", "seeds"]
