"""Messages that need not be fast: objects as REST has them, by the numbers of their members.

A shape names the members of a message. Its values are those of JSON, so that what the service
tells can be written in either encoding.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sealift.serve.rpc import wire
from sealift.serve.rpc.wire import BYTES, VARINT, Reader

Shape = Mapping[str, tuple[int, Any]]
"""Members by name: a number, and what it holds: ``str``, ``int``, ``bool``, the shape of a message,
a list of one of these for many, or a table of words and their numbers for a choice."""


class Words(dict[str, int]):
    """A choice of words."""


NAMED: Shape = {"name": (1, str), "version": (2, str)}
EMPTY: Shape = {}

_TENSOR: Shape = {"name": (1, str), "datatype": (2, str), "shape": (3, [int])}
_DURATION: Shape = {"count": (1, int), "ns": (2, int)}
_DURATIONS: Shape = {
    name: (place, _DURATION)
    for place, name in enumerate(
        (
            *("success", "fail", "queue", "compute_input", "compute_infer"),
            *("compute_output", "cache_hit", "cache_miss"),
        ),
        start=1,
    )
}
_BATCH: Shape = {
    "batch_size": (1, int),
    "compute_input": (2, _DURATION),
    "compute_infer": (3, _DURATION),
    "compute_output": (4, _DURATION),
}
_MODEL_STATISTICS: Shape = {
    **NAMED,
    "last_inference": (3, int),
    "inference_count": (4, int),
    "execution_count": (5, int),
    "inference_stats": (6, _DURATIONS),
    "batch_stats": (7, [_BATCH]),
}
_TYPES = Words(
    {
        f"TYPE_{name}": number
        for number, name in enumerate(
            (
                *("INVALID", "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16"),
                *("INT32", "INT64", "FP16", "FP32", "FP64", "STRING", "BF16"),
            )
        )
    }
)
_INPUT: Shape = {"name": (1, str), "data_type": (2, _TYPES), "dims": (4, [int])}
_OUTPUT: Shape = {"name": (1, str), "data_type": (2, _TYPES), "dims": (3, [int])}

LIVE: Shape = {"live": (1, bool)}
READY: Shape = {"ready": (1, bool)}
SERVER: Shape = {**NAMED, "extensions": (3, [str])}
MODEL: Shape = {
    "name": (1, str),
    "versions": (2, [str]),
    "platform": (3, str),
    "inputs": (4, [_TENSOR]),
    "outputs": (5, [_TENSOR]),
}
STATISTICS: Shape = {"model_stats": (1, [_MODEL_STATISTICS])}
CONFIG: Shape = {
    "config": (
        1,
        {
            "name": (1, str),
            "platform": (2, str),
            "max_batch_size": (4, int),
            "input": (5, [_INPUT]),
            "output": (6, [_OUTPUT]),
            "backend": (17, str),
        },
    )
}
INDEX_REQUEST: Shape = {"repository_name": (1, str), "ready": (2, bool)}
INDEX: Shape = {
    "models": (1, [{**NAMED, "state": (3, str), "reason": (4, str)}]),
}
CONTROL: Shape = {"repository_name": (1, str), "model_name": (2, str)}
HEALTH_REQUEST: Shape = {"service": (1, str)}
HEALTH: Shape = {"status": (1, int)}


def read(shape: Shape, data: bytes) -> dict[str, Any]:
    """A message of texts, numbers and truths; what it leaves out is empty, 0 or false.

    Raises ``RefusalError`` for what is no such message.
    """
    reader = Reader(data)
    found: dict[str, Any] = {name: kind() for name, (_, kind) in shape.items()}
    for tag, begin, end in reader.members(0, len(data)):
        for name, (place, kind) in shape.items():
            if tag == (place << 3 | (BYTES if kind is str else VARINT)):
                found[name] = reader.text(begin, end) if kind is str else kind(begin)
    return found


def written(shape: Shape, value: Mapping[str, Any]) -> bytes:
    """A message; members that the value lacks, and those that are empty, are left out.

    >>> written(NAMED, {"name": "toy", "other": 1})
    b'\\n\\x03toy'
    """
    return b"".join(
        _member(place, kind, value[name]) for name, (place, kind) in shape.items() if name in value
    )


def _member(place: int, kind: Any, value: Any) -> bytes:
    if isinstance(kind, Words):
        return wire.number(place, kind[value])
    if isinstance(kind, Mapping):
        return wire.block(place, written(kind, value))
    if isinstance(kind, list):
        if kind == [int]:
            return wire.block(place, b"".join(map(wire.varint, value))) if value else b""
        # of many, those that are empty count too
        return b"".join(
            wire.block(place, one.encode() if kind == [str] else written(kind[0], one))
            for one in value
        )
    if not value:
        return b""
    return wire.block(place, value.encode()) if kind is str else wire.number(place, value)


__all__ = [
    "CONFIG",
    "CONTROL",
    "EMPTY",
    "HEALTH",
    "HEALTH_REQUEST",
    "INDEX",
    "INDEX_REQUEST",
    "LIVE",
    "MODEL",
    "NAMED",
    "READY",
    "SERVER",
    "STATISTICS",
    "Shape",
    "read",
    "written",
]
