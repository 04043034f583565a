"""What a file says, apart from how it is written down: numbers and texts by place."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import Any, TypeAlias

import numpy as np

Values: TypeAlias = "dict[str, np.ndarray[Any, Any] | str]"
"""By place in the file: an array of numbers, or a text."""

_BROKEN = (
    *(ValueError, LookupError, TypeError, AttributeError, RecursionError, EOFError, OSError),
    *(OverflowError, MemoryError, NotImplementedError, RuntimeError, csv.Error, zlib.error),
    # zipfile raises NotImplementedError for a compression that it does not know;
    # numpy reads the header of an array as Python
    *(zipfile.BadZipFile, SyntaxError, tokenize.TokenError),
)
"""What readers raise for a file that is not what its name says."""

_FLOATS = {
    "F16": "<f2",
    "F32": "<f4",
    "F64": "<f8",
    "I8": "<i1",
    "I16": "<i2",
    "I32": "<i4",
    "I64": "<i8",
    "U8": "<u1",
    "U16": "<u2",
    "U32": "<u4",
    "U64": "<u8",
    "BOOL": "|b1",
}
"""The number types of safetensors that numpy has."""


def read(name: str, content: bytes) -> Values | None:
    """The values of a file by its name's ending and its bytes; None for an unknown or bad one.

    Known: JSON, JSON lines, CSV, TSV, npy, safetensors; and zip (npz, PyTorch) and gzip, member by
    member, whatever times these note.

    >>> read("a.json", b'{"b": [1, 2], "a": "x"}')
    {'a': 'x', 'b[0]': array([1.]), 'b[1]': array([2.])}
    """
    reader = _READERS.get(PurePosixPath(name).suffix.lower())
    if content[:4] == b"PK\x03\x04":
        reader = _zip
    elif content[:2] == b"\x1f\x8b":
        reader = _gzip
    if reader is None:
        return None
    try:
        return dict(reader(name, content))
    except _BROKEN:
        return None


Pairs: TypeAlias = "Iterator[tuple[str, np.ndarray[Any, Any] | str]]"


def _json(_name: str, content: bytes) -> Pairs:
    yield from _flat("", json.loads(content))


def _json_lines(_name: str, content: bytes) -> Pairs:
    for number, line in enumerate(content.splitlines(), 1):
        yield from _flat(f"line {number}", json.loads(line))


def _flat(place: str, value: object) -> Pairs:
    if isinstance(value, dict):
        for key in sorted(value):
            yield from _flat(f"{place}.{key}" if place else key, value[key])
        if not value:
            yield place, "{}"
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _flat(f"{place}[{number}]", inner)
        if not value:
            yield place, "[]"
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield place, _number(value)
    else:
        yield place, value if isinstance(value, str) else json.dumps(value)


def _number(value: float) -> np.ndarray[Any, Any]:
    """One number; whole numbers that a float cannot hold stay what they are."""
    if abs(value) > 1 << 53 and float(value) != value:
        return np.array([value], dtype=object)
    return np.array([float(value)])


def _csv(name: str, content: bytes) -> Pairs:
    delimiter = "\t" if name.lower().endswith(".tsv") else ","
    rows = list(csv.reader(io.StringIO(content.decode(), newline=""), delimiter=delimiter))
    if not rows:
        return
    heads, width = rows[0], len(rows[0])
    yield "header", delimiter.join(heads)
    yield "rows", str(len(rows) - 1)
    if any(len(row) != width for row in rows):
        raise ValueError(name)
    for number, head in enumerate(heads):
        cells = [row[number] for row in rows[1:]]
        yield f"column {head!r}", _column(cells)


def _column(cells: list[str]) -> np.ndarray[Any, Any] | str:
    try:
        return np.array([math.nan if cell == "" else float(cell) for cell in cells])
    except ValueError:
        return "\n".join(cells)


def _npy(_name: str, content: bytes) -> Pairs:
    yield "", np.load(io.BytesIO(content), allow_pickle=False)


def _safetensors(_name: str, content: bytes) -> Pairs:
    """8 bytes length of the header (little-endian), the header as JSON, the tensors."""
    start = 8 + int.from_bytes(content[:8], "little")
    for tensor, told in sorted(json.loads(content[8:start]).items()):
        if tensor == "__metadata__":
            yield from _flat(tensor, told)
            continue
        begin, end = told["data_offsets"]
        raw = content[start + begin : start + end]
        kind = _FLOATS.get(told["dtype"])
        if kind is None:
            yield tensor, raw.hex()
        else:
            yield tensor, np.frombuffer(raw, kind).reshape(told["shape"])


def _zip(_name: str, content: bytes) -> Pairs:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for member in sorted(archive.namelist()):
            yield from _inner(member, archive.read(member))


def _gzip(name: str, content: bytes) -> Pairs:
    yield from _inner(name.removesuffix(".gz"), gzip.decompress(content))


def _inner(name: str, content: bytes) -> Pairs:
    values = read(name, content)
    if values is None:
        yield name, content.hex()
        return
    for place, value in values.items():
        yield f"{name}: {place}".rstrip(": "), value


_READERS: dict[str, Callable[[str, bytes], Pairs]] = {
    ".json": _json,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".csv": _csv,
    ".tsv": _csv,
    ".npy": _npy,
    ".safetensors": _safetensors,
}

__all__ = ["Values", "read"]
