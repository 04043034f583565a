"""The plainest requests, read and answered by compiled code (``native/`` in the sources).

It says yes only to what is wholly plain and good: whatever else comes is left to ``Protocol`` and
``Encoder``, which can tell why. What it answers, it answers byte for byte as they would.
"""

from __future__ import annotations

import ctypes
import functools
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from sealift.record.contract import Contract
from sealift.serve.guard import ID_LENGTH
from sealift.serve.layout import Layout, laid_out
from sealift.serve.slab import Slab
from sealift.serve.tensors import NUMPY, Array, TensorInfo

VERSION = 8
"""The version of the interface between the two."""

LIBRARIES = {
    "aarch64": ("express-aarch64.so",),
    "x86_64": ("express-x86_64.so", "express-x86_64-v3.so"),
}
"""By processor: the library for all of its kind, then those for higher levels of it."""

REMEDY = "Install Sealift again; in a checkout, run `make setup`."
"""What to do about compiled code that is of no use."""

MOST = 1 << 31
"""Bytes from which they are left to others."""

_NUMBER = ctypes.c_size_t
_BYTES = ctypes.c_char_p
_PLACE = ctypes.c_void_p

_FUNCTIONS: dict[str, tuple[Any, list[Any] | None]] = {
    "express_plan": (_PLACE, [_BYTES, _NUMBER, _PLACE, _NUMBER]),
    "express_input": (_PLACE, [_PLACE, _NUMBER]),
    "express_id": (_PLACE, [_PLACE]),
    "express_out": (_PLACE, [_PLACE]),
    "express_room": (_NUMBER, [_PLACE]),
    "express_within": (
        ctypes.c_bool,
        [ctypes.c_uint32, _PLACE, _NUMBER, _NUMBER, _PLACE, _PLACE],
    ),
    "turnstile_size": (_NUMBER, []),
    "turnstile_begin": (None, [_PLACE, _PLACE, ctypes.c_int, _PLACE, _NUMBER]),
    "turnstile_learn": (
        ctypes.c_int,
        [
            *(_PLACE, _BYTES, _NUMBER, _NUMBER, _BYTES, _NUMBER, _BYTES, _NUMBER),
            *(ctypes.c_uint32, _NUMBER),
        ],
    ),
    "turnstile_take": (ctypes.c_uint64, [_PLACE, _NUMBER, _NUMBER, ctypes.c_double]),
    "turnstile_keep": (None, [_PLACE, ctypes.c_uint32]),
    "turnstile_tell": (
        _NUMBER,
        [_PLACE, _NUMBER, _NUMBER, _NUMBER, _NUMBER, _PLACE, _BYTES, _NUMBER],
    ),
    "turnstile_gather": (None, [_PLACE, ctypes.c_uint32, ctypes.c_uint32, _NUMBER]),
    "turnstile_spans": (None, [_PLACE, _PLACE]),
    "turnstile_forget": (ctypes.c_uint64, [_PLACE, ctypes.c_uint32]),
    "turnstile_stuck": (ctypes.c_bool, [_PLACE, ctypes.c_uint32]),
    # bytes and numbers of 32 bits, which are handed over fastest if no types are named
    "express_read": (ctypes.c_uint64, None),
    "express_write": (ctypes.c_uint64, None),
}


class Loaded(NamedTuple):
    """The compiled code for this machine, and why some that lies there for it is of no use.

    Neither on a machine for which nothing is compiled.
    """

    code: ctypes.PyDLL | None
    fault: str | None


@functools.cache
def loaded() -> Loaded:
    """The compiled code, loaded once a process: that for the level of the processor.

    Where only that is of no use, the code for all of its kind, and what the fault is.
    """
    lowest, *higher = LIBRARIES.get(os.uname().machine, (None,))
    if lowest is None or not _place(lowest).exists():
        return Loaded(None, None)
    found = _opened(lowest)
    if found.code is None or not (level := found.code.express_level()):
        return found
    best = _opened(higher[level - 1])
    return best if best.code else Loaded(found.code, best.fault)


def _place(name: str) -> Path:
    return Path(__file__).with_name(name)


def _opened(name: str) -> Loaded:
    """One of the libraries."""
    try:
        # its calls take microseconds: to let others run meanwhile would cost more
        found = ctypes.PyDLL(str(_place(name)))
    except OSError as error:
        return Loaded(None, f"{name} cannot be loaded: {error}")
    version = found.express_version()
    if version != VERSION:
        return Loaded(None, f"{name} has version {version} of the interface, not {VERSION}")
    for function, (result, arguments) in _FUNCTIONS.items():
        made = getattr(found, function)
        made.restype, made.argtypes = result, arguments
    return Loaded(found, None)


def library() -> ctypes.PyDLL | None:
    """The compiled code for this machine; None where there is none."""
    return loaded().code


_DATATYPES = (
    *("bool", "uint8", "uint16", "uint32", "uint64"),
    *("int8", "int16", "int32", "int64", "float32", "float64"),
)
"""The datatypes that are served, by their numbers there."""


def within(array: Array, low: Array, high: Array) -> bool | None:
    """Whether all values of a table lie between the bounds of their columns; NaN does not.

    All three are of one datatype. None where compiled code cannot tell: there is none, or the
    values do not lie one after the other.
    """
    code = library()
    if code is None or array.dtype.name not in _DATATYPES or not array.flags.c_contiguous:
        return None
    found: bool = code.express_within(
        _DATATYPES.index(array.dtype.name),
        array.ctypes.data,
        array.size,
        len(low),
        low.ctypes.data,
        high.ctypes.data,
    )
    return found


class Express:
    """One model's requests and answers; for one thread, and one request at a time.

    ``given`` is the id of the request that was read last, None if it had none, and ``form`` how its
    answer is wanted, 0 for all outputs as JSON; ``json`` is the length of the JSON of the answer
    that was written last where tensors in bytes follow it, else 0. ``rows`` is the most rows of a
    request, ``handle`` what compiled code knows the model by, ``held`` tells where the outputs lie
    that it holds, of ``all`` rows, ``out`` where answers are written.
    """

    given: str | None = None
    form: int = 0
    json: int = 0

    def __init__(
        self,
        code: ctypes.PyDLL,
        layout: Layout,
        inputs: Sequence[TensorInfo],
        outputs: Sequence[tuple[str, np.dtype[Any], tuple[int, ...]]],
    ) -> None:
        """Outputs have a name, a datatype and the shape of a row.

        Raises ``ValueError`` for a layout that is not understood.
        """
        self.rows = layout.rows
        self.room = layout.room
        self.code = code
        self._made_of = (code, layout, inputs, outputs)
        self.all = 0
        self.said = {
            name: Slab(np.empty((layout.room, *tail), dtype)) for name, dtype, tail in outputs
        }
        places = [one.array.ctypes.data for one in self.said.values()]
        self.held = (_PLACE * len(places))(*places)
        spec = msgspec.json.encode(layout)
        # pages of it that are never written take no memory
        self._memory = np.empty(layout.size(), np.uint8)
        plan = code.express_plan(spec, len(spec), self._memory.ctypes.data, len(self._memory))
        if not plan:
            raise ValueError("The layout of the model is not understood.")
        self.plan: int = plan
        self.handle = plan.to_bytes(ctypes.sizeof(_PLACE), sys.byteorder)
        self._read = code.express_read
        self._write = code.express_write
        self.tensors = {
            one.name: Slab(self._tensor(code.express_input(plan, number), one))
            for number, one in enumerate(inputs)
        }
        self._id = self._bytes(code.express_id(plan), ID_LENGTH)
        self.out = self._bytes(code.express_out(plan), code.express_room(plan))

    def twin(self) -> Express:
        """Another one for the same model, with memory of its own."""
        return Express(*self._made_of)

    def read(self, body: bytes, first: int = 0, header: int = 0) -> int:
        """The rows of a request, which the tensors then hold from the row ``first`` on.

        Tensors in bytes follow its JSON at ``header``; 0 stands for JSON alone. Gives 0 if it is
        not plain, or there is no room for it.
        """
        size = len(body)
        if size >= MOST or header >= MOST:
            return 0
        found: int = self._read(self.handle, first, body, size, header)
        self.form = found >> 32
        length = found >> 24 & 0xFF
        self.given = str(self._id[: length - 1], "ascii") if length else None
        return found & 0xFFFFFF

    def inputs(self, first: int, rows: int) -> dict[str, Array]:
        """The model's inputs, by tensor: views of the memory that requests are read into."""
        return {name: one.array[first : first + rows] for name, one in self.tensors.items()}

    def outputs(self, rows: int) -> dict[str, Array]:
        """The model's outputs, by tensor: views of the memory that answers are written from."""
        return {name: one.array[:rows] for name, one in self.said.items()}

    def copied(self, rows: Sequence[int]) -> dict[str, bytes]:
        """What some rows of the inputs hold now, by tensor."""
        return {name: one.copied(rows) for name, one in self.tensors.items()}

    def hold(self, rows: int, outputs: Iterable[Array]) -> bool:
        """Take a copy of the outputs of a call of so many rows, all of them in their order.

        False where they are not as the contract says.
        """
        self.all = 0
        places = self.outputs(rows).values()
        for array, place in zip(outputs, places, strict=True):
            if array.shape != place.shape or array.dtype != place.dtype:
                return False
            place[...] = array
        self.all = rows
        return True

    def write(self, first: int, rows: int, given: str, form: int = 0) -> bytes | None:
        """The body of the answer for some rows of the outputs that are held, in a form.

        None where the other road must write it: for a number that is not finite, or an id with
        other than plain ASCII.
        """
        if not given.isascii():
            return None
        name = given.encode()
        found: int = self._write(
            self.handle, self.all, first, rows, form, name, len(name), self.held
        )
        self.json = found >> 32
        return self.out[: found & 0xFFFFFFFF].tobytes() if found else None

    def _bytes(self, address: int, length: int) -> memoryview:
        begin = address - self._memory.ctypes.data
        return self._memory[begin : begin + length].data

    def _tensor(self, address: int, info: TensorInfo) -> Array:
        dtype = np.dtype(NUMPY[info.datatype])
        width = info.shape[1] if len(info.shape) == 2 else 1
        assert width is not None
        found = np.frombuffer(self._bytes(address, self.room * width * dtype.itemsize), dtype)
        return found.reshape(self.room, width) if len(info.shape) == 2 else found


def made(
    contract: Contract,
    inputs: Sequence[TensorInfo],
    outputs: Sequence[TensorInfo],
    identity: tuple[str, str],
) -> Express | None:
    """For a model, whose name and version are ``identity``; None where it or the machine is not
    served. ``inputs`` have the contract's number of columns."""
    code = library()
    layout = laid_out(contract, inputs, outputs, identity)
    if code is None or layout is None:
        return None
    shapes = {one.name: one.shape[1:] for one in contract.outputs}
    kinds = [(one.name, np.dtype(NUMPY[one.datatype]), shapes[one.name]) for one in outputs]
    try:
        return Express(code, layout, inputs, kinds)
    except ValueError:
        return None


__all__ = ["LIBRARIES", "REMEDY", "Express", "Loaded", "library", "loaded", "made", "within"]
