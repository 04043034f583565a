"""The model: an ONNX file, loaded by onnxruntime with explicit threads."""

from __future__ import annotations

import ctypes
import importlib
import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sealift.errors import PackageError
from sealift.serve import accelerator, bfloat16
from sealift.serve.outset import TELEMETRY
from sealift.serve.refusal import some
from sealift.serve.tensors import DATATYPES, Array, TensorInfo

MAPS = ("seq(map(string,tensor(float)))", "seq(map(int64,tensor(float)))")
"""A dictionary a row, from class to probability: what converters write for classifiers."""


BFLOAT16 = 16
"""ONNX's number for the type."""


class Model:
    """A loaded model; ``run`` may be called from several threads. ``computes`` says what does.

    Probabilities that the model gives as a dictionary a row come as a tensor of shape
    [rows, classes], the classes in order.
    """

    platform = "onnx_onnxv1"
    waits = False
    exact = True

    def __init__(self, session: Any, runtime: Any) -> None:
        self._session = session
        self._runtime = runtime
        self.inputs = [_info(tensor, "takes") for tensor in session.get_inputs()]
        self.outputs = [_info(tensor, "gives") for tensor in session.get_outputs()]
        self.names = [tensor.name for tensor in self.outputs]
        self.computes = accelerator.in_use(session)
        self._halves = {tensor.name for tensor in self.inputs if tensor.datatype == "BF16"}
        gives_halves = any(tensor.datatype == "BF16" for tensor in self.outputs)
        self._plain = not self._halves and not gives_halves
        tables = any(tensor.type in MAPS for tensor in session.get_outputs())
        self._bindable = self._plain and not tables and self.computes == "cpu"
        # what wraps it looks, for each call, at what the contract has made sure of already; on a
        # graphics card it also goes on without the card
        inner = getattr(session, "_sess", session) if self.computes == "cpu" else session
        self._run = inner.run

    def run(self, feeds: dict[str, Array], options: Any = None) -> dict[str, Array]:
        """The outputs by name; ``options`` come from ``stoppable``."""
        if self._plain:
            answers = self._run(self.names, feeds, options)
        else:
            given = {name: self._value(name, array) for name, array in feeds.items()}
            found = self._session.run_with_ort_values(self.names, given, options)
            answers = [_array(value) for value in found]
        return {
            name: _tensor(answer) if isinstance(answer, list) else answer
            for name, answer in zip(self.names, answers, strict=True)
        }

    def bound(
        self, feeds: dict[str, Array], outputs: dict[str, Array]
    ) -> Callable[[], object] | None:
        """A call that reads its inputs from these arrays and writes all outputs into those.

        Nothing is converted and no memory is allocated for them. The call raises what a ``run``
        raises, and an error for outputs of another shape. None for a model of other than plain
        tensors, or one that a graphics card computes.
        """
        if not self._bindable:
            return None
        binding = self._session.io_binding()
        for name, array in feeds.items():
            binding.bind_input(name, *_place(array))
        for name, array in outputs.items():
            binding.bind_output(name, *_place(array))
        run = self._session.run_with_iobinding

        def call(_arrays: object = (feeds, outputs)) -> None:
            # the binding knows where the arrays lie, and does not keep them
            run(binding)

        return call

    def stoppable(self) -> Any:
        """Options of one call, which ends soon with an error once their ``terminate`` is true."""
        return self._runtime.RunOptions()

    def _value(self, name: str, array: Array) -> Any:
        kind = self._runtime.OrtValue
        if name in self._halves:
            return kind.ortvalue_from_numpy_with_onnx_type(bfloat16.packed(array), BFLOAT16)
        return kind.ortvalue_from_numpy(np.ascontiguousarray(array))


def load(path: Path, *, threads: int) -> Model:
    """Load an ONNX file for ``threads`` threads of one call.

    Raises ``PackageError`` when the file is missing or damaged, or takes or gives what is not
    served (the message says what to change).
    """
    onnxruntime = _silent()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    # threads that spin while idle use up a quota that the next request needs
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if not path.is_file():
        raise _absent(path)
    try:
        session = onnxruntime.InferenceSession(
            str(path), options, providers=accelerator.providers(onnxruntime)
        )
    except Exception as error:  # onnxruntime's errors share no other base
        raise PackageError(
            f"The model cannot be loaded: {error}",
            where=str(path),
            remedy="Export it to ONNX again, and load it once with onnxruntime.InferenceSession.",
        ) from error
    return Model(session, onnxruntime)


def divisible() -> bool:
    """Whether a process that has loaded models can fork, and both go on with them.

    Not where a graphics card computes: it belongs to the process that opened it.
    """
    return accelerator.CARD not in _silent().get_available_providers()


def _array(value: Any) -> Any:
    if value.element_type() != BFLOAT16:
        return value.numpy()
    # numpy has no such type, so that the value's own memory is read
    size = math.prod(value.shape()) * 2
    raw = ctypes.string_at(value.data_ptr(), size) if size else b""
    return bfloat16.widened(np.frombuffer(raw, np.uint16)).reshape(value.shape())


def _place(array: Array) -> tuple[Any, ...]:
    """Where an array lies, and what it holds, as onnxruntime is told."""
    return "cpu", 0, array.dtype.type, array.shape, array.ctypes.data


def _absent(path: Path) -> PackageError:
    beside = sorted(one.name for one in path.parent.iterdir()) if path.parent.is_dir() else []
    there = f", only: {some(beside)}" if beside else ""
    return PackageError(
        f"There is no {path.name}{there}.",
        where=str(path),
        remedy=f"Let the step export the model to ONNX and write it as {path.name}.",
    )


def _tensor(rows: Sequence[dict[Any, float]]) -> Array:
    """One dictionary a row as a tensor, in the order of the keys.

    >>> _tensor([{"b": 0.25, "a": 0.75}, {"a": 1.0, "b": 0.0}]).tolist()
    [[0.75, 0.25], [1.0, 0.0]]
    """
    keys = sorted(rows[0]) if rows else []
    return np.array([[row[key] for key in keys] for row in rows], np.float32)


def _silent() -> Any:
    # what it sends home is decided by this variable when it is first loaded; its own function that
    # switches this off comes too late for what is sent at the start
    os.environ[TELEMETRY] = "1"
    onnxruntime = importlib.import_module("onnxruntime")
    onnxruntime.disable_telemetry_events()
    onnxruntime.set_default_logger_severity(4)
    return onnxruntime


def _info(tensor: Any, verb: str) -> TensorInfo:
    if tensor.type in MAPS and verb == "gives":
        return TensorInfo(tensor.name, "FP32", (None, None))
    datatype = DATATYPES.get(tensor.type)
    if datatype is None:
        raise PackageError(
            f"The model {verb} {tensor.name!r} of type {tensor.type}, which is not served.",
            where="model.onnx",
            remedy=f"Use one of: {', '.join(sorted(DATATYPES))}.",
        )
    shape = tuple(size if isinstance(size, int) else None for size in _shape(tensor.shape))
    return TensorInfo(tensor.name, datatype, shape)


def _shape(shape: Sequence[int | str | None] | None) -> Sequence[int | str | None]:
    return (None,) if shape is None else shape


__all__ = ["Model", "divisible", "load"]
