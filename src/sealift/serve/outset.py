"""How the libraries of a server start: settled before they are loaded.

What takes effect at their import only belongs here, so nothing of them is imported here.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType

from sealift.serve.folder import programs

BLAS = "OPENBLAS_NUM_THREADS"
"""How many threads numpy's library for linear algebra starts, when it is loaded."""

TELEMETRY = "ORT_DISABLE_TELEMETRY"
"""Whether onnxruntime sends nothing home, looked at when it is loaded."""

_DOCUMENTATION = ("numpy._core._add_newdocs", "numpy._core._add_newdocs_scalars")
"""Modules of numpy that do nothing but write what ``help`` tells of its functions in C."""


def settle(model: Path) -> bool:
    """Leave out what a server of ``model`` has no use for: the folder of a model, or of several.

    With a program of the user's, which may want all of it, nothing is left out, and it is false.

    A server of ONNX models multiplies nothing with numpy. The threads of the library for that
    would begin with waiting in a loop, for some 50 ms, on the cores that all else starts on; who
    set the variable knows why. Nobody there reads numpy's documentation. And no connection of
    asyncio's is encrypted: without Python's module for that, as where Python was built without it,
    OpenSSL is not loaded, 1.3 MB of it.
    """
    if programs(model):
        return False
    os.environ[TELEMETRY] = "1"
    os.environ.setdefault(BLAS, "1")
    sys.modules["ssl"] = None  # type: ignore[assignment]
    for name in _DOCUMENTATION:
        sys.modules[name] = ModuleType(name)
    return True


__all__ = ["TELEMETRY", "settle"]
