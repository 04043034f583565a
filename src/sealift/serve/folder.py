"""The folder of a model, before anything of it is read: whether it is a program.

A server asks that before it loads any library.
"""

from __future__ import annotations

from pathlib import Path

MODEL = Path("/model")
"""Where it lies in an image."""

CODE = "code"
"""The folder of a model that is a program of the user's own: with its sources."""


def programs(model: Path) -> bool:
    """Whether there is one in the folder of a model, or in one of a folder of such folders."""
    return any((folder / CODE).is_dir() for folder in (model, *model.glob("*")))


__all__ = ["CODE", "MODEL", "programs"]
