"""Libraries that are loaded ahead: by a thread, while Python loads its modules.

To load one is to write its addresses into it, a million in onnxruntime's, and to run what registers
its parts. Nothing of that takes the interpreter. A module that is imported later finds it done.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.machinery
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

_LIBRARIES = (
    ("numpy", "_core/_multiarray_umath.*.so"),
    ("onnxruntime", "capi/onnxruntime_pybind11_state.*.so"),
)
_CARD = "capi/libonnxruntime_providers_cuda.so"


def libraries() -> Iterator[Path]:
    """Where they lie; not that of an onnxruntime for graphics cards, which needs others before."""
    for package, pattern in _LIBRARIES:
        found = importlib.machinery.PathFinder.find_spec(package)
        if found is not None and found.origin is not None:
            folder = Path(found.origin).parent
            if not (folder / _CARD).exists():
                yield from folder.glob(pattern)


def begin() -> Callable[[], None]:
    """Load them; what it gives waits until they are there, and the thread has gone.

    Of one that cannot be loaded the import of its module says why.
    """
    places = list(map(bytes, libraries()))
    thread = threading.Thread(target=_load, args=(places,), name="ahead", daemon=True)
    thread.start()
    return functools.partial(_await, thread)


def _await(thread: threading.Thread) -> None:
    thread.join()
    # its work is done, but the kernel still counts it for a moment
    task = Path(f"/proc/self/task/{thread.native_id}")
    while task.exists():
        os.sched_yield()


def _load(places: Sequence[bytes]) -> None:
    # opened by ``ctypes.CDLL``, they would hold up the interpreter meanwhile
    dlopen = ctypes.CDLL(None).dlopen
    dlopen.restype, dlopen.argtypes = ctypes.c_void_p, [ctypes.c_char_p, ctypes.c_int]
    for place in places:
        dlopen(place, os.RTLD_NOW | os.RTLD_LOCAL)


__all__ = ["begin", "libraries"]
