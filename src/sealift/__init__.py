"""Sealift: from training code to a model container that can be trusted in production.

The package is used through its command line, ``sealift``. A script or a notebook logs the points
of curves with ``log_metric``; nothing else is there for it, and nothing happens at import.
"""

from sealift.curves import flush, log_metric, log_metrics

__version__ = "0.1.0"

__all__ = ["__version__", "flush", "log_metric", "log_metrics"]
