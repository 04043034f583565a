"""Sealift: from training code to a model container that can be trusted in production.

The package is used through its command line, ``sealift``; nothing happens when it is imported.
"""

__version__ = "0.1.0"

__all__ = ["__version__"]
