"""Sealift: from training code to a model container that can be trusted in production.

The package is used through its command line, ``sealift``. A script or a notebook logs the points
of curves with ``log_metric``, and records a run of its own with ``run``; nothing else is there for
it, and nothing happens at import.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sealift.chapters.recording import run
    from sealift.curves import flush, log_metric, log_metrics

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """What only few ask for is loaded when it is asked for (PEP 562)."""
    if name == "run":
        return importlib.import_module("sealift.chapters.recording").run
    if name in ("flush", "log_metric", "log_metrics"):
        # by name, so that the layer of the server has it too
        from sealift import curves  # noqa: PLC0415

        return getattr(curves, name)
    raise AttributeError(f"module 'sealift' has no attribute {name!r}")


__all__ = ["__version__", "flush", "log_metric", "log_metrics", "run"]
