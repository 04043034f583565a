"""The model: an ONNX file, loaded by onnxruntime with explicit threads."""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sealift.errors import PackageError
from sealift.serve.tensors import DATATYPES, Array, TensorInfo


class Model:
    """A loaded model; ``run`` may be called from several threads."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self.inputs = [_info(tensor, "takes") for tensor in session.get_inputs()]
        self.outputs = [_info(tensor, "gives") for tensor in session.get_outputs()]
        self.names = [tensor.name for tensor in self.outputs]

    def run(self, feeds: dict[str, Array]) -> dict[str, Array]:
        """The outputs by name."""
        return dict(zip(self.names, self._session.run(self.names, feeds), strict=True))


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
        raise PackageError(
            "There is no model.onnx.", where=str(path), remedy="Let the step write model.onnx."
        )
    try:
        session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime's errors share no other base
        raise PackageError(
            f"The model cannot be loaded: {error}",
            where=str(path),
            remedy="Export it again, and load it once with onnxruntime.InferenceSession.",
        ) from error
    return Model(session)


def _silent() -> Any:
    # what it sends home is decided by this variable when it is first imported; its own function
    # that switches this off comes too late for what is sent at the start
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    onnxruntime = importlib.import_module("onnxruntime")
    onnxruntime.disable_telemetry_events()
    onnxruntime.set_default_logger_severity(4)
    return onnxruntime


def _info(tensor: Any, verb: str) -> TensorInfo:
    datatype = DATATYPES.get(tensor.type)
    if datatype is None:
        raise PackageError(
            f"The model {verb} {tensor.name!r} of type {tensor.type}, which is not served.",
            where="model.onnx",
            remedy=_remedy(tensor.type),
        )
    shape = tuple(size if isinstance(size, int) else None for size in _shape(tensor.shape))
    return TensorInfo(tensor.name, datatype, shape)


def _shape(shape: Sequence[int | str | None] | None) -> Sequence[int | str | None]:
    return (None,) if shape is None else shape


def _remedy(kind: str) -> str:
    if kind.startswith("seq(map("):
        return "Export the classifier with options={'zipmap': False}."
    return f"Use one of: {', '.join(sorted(DATATYPES))}."


__all__ = ["Model", "load"]
