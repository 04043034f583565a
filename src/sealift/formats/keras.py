"""Code inside models of Keras and TensorFlow, found by the marks that it leaves."""

from __future__ import annotations

import re
from typing import BinaryIO

from sealift.formats.evidence import Evidence

HDF5 = b"\x89HDF\r\n\x1a\n"
GRAPH = "saved_model.pb"
CONFIG = "config.json"
CHUNK = 1 << 20
_OVERLAP = 64

_LAMBDA = re.compile(rb'"(class_name|registered_name)"\s*:\s*"(__lambda__|Lambda)"')
_OPERATION = re.compile(
    rb"\x0a[\x06-\x14](PyFunc|EagerPyFunc|PyFuncStateless|ReadFile|WriteFile)\b"
)


def layers(stream: BinaryIO, seen: Evidence) -> None:
    """Lambda layers in a model's configuration: Python bytecode that runs when it is loaded."""
    if _found(_LAMBDA, stream):
        seen.saw("model of Keras")
        seen.imports["marshal.loads"] = None


def operations(stream: BinaryIO, seen: Evidence) -> None:
    """Operations in a graph of TensorFlow that run Python, or read and write files."""
    if found := _found(_OPERATION, stream):
        seen.saw("graph of TensorFlow")
        seen.doubt(f"its operation {found[1].decode()}, which reaches out of the graph")


def _found(wanted: re.Pattern[bytes], stream: BinaryIO) -> re.Match[bytes] | None:
    rest = b""
    while piece := stream.read(CHUNK):
        if found := wanted.search(rest + piece):
            return found
        rest = piece[-_OVERLAP:]
    return None


__all__ = ["CONFIG", "GRAPH", "HDF5", "layers", "operations"]
