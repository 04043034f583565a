"""How the interpreter and the numeric libraries of a server start: settled before they are loaded.

What takes effect at their import only belongs here, so nothing of them is imported here.
"""

from __future__ import annotations

import gc
import os
from pathlib import Path

from sealift.serve.artifact import CODE

BLAS = "OPENBLAS_NUM_THREADS"
"""How many threads numpy's library for linear algebra starts, when it is loaded."""


def settle(model: Path) -> None:
    """Settle it for the folder of a model, or a folder of such folders.

    The collector of garbage rests until the crew wakes it: what is loaded stays, and looking
    through it again and again while it grows takes a tenth of the start.

    A server of ONNX models multiplies nothing with numpy. The threads of the library for that
    would begin with waiting in a loop, for some 50 ms, on the cores that all else starts on. What
    a program of the user's computes with is left to it, and who set the variable knows why.
    """
    gc.disable()
    if not any((folder / CODE).is_dir() for folder in (model, *model.glob("*"))):
        os.environ.setdefault(BLAS, "1")


__all__ = ["settle"]
