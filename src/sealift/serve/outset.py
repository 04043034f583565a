"""How the interpreter and the numeric libraries of a server start: settled before they are loaded.

What takes effect at their import only belongs here, so nothing of them is imported here.
"""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

from sealift.serve.artifact import CODE

BLAS = "OPENBLAS_NUM_THREADS"
"""How many threads numpy's library for linear algebra starts, when it is loaded."""


def settle(model: Path) -> None:
    """Settle it for the folder of a model, or a folder of such folders.

    The collector of garbage rests until the crew wakes it: what is loaded stays, and looking
    through it again and again while it grows takes a tenth of the start.
    """
    gc.disable()
    if not any((folder / CODE).is_dir() for folder in (model, *model.glob("*"))):
        _spare()


def _spare() -> None:
    """Leave out what only a program of the user's could want of the libraries.

    A server of ONNX models multiplies nothing with numpy. The threads of the library for that
    would begin with waiting in a loop, for some 50 ms, on the cores that all else starts on; who
    set the variable knows why. And no connection of asyncio's is encrypted: without Python's
    module for that, as where Python was built without it, OpenSSL is not loaded, 1.3 MB of it.
    """
    os.environ.setdefault(BLAS, "1")
    sys.modules["ssl"] = None  # type: ignore[assignment]


__all__ = ["settle"]
