"""Files that a killed process left half done."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from sealift import clock

OLD = 3600.0
"""Seconds after which nobody is still at work on such a file."""


def clear(folder: Path, pattern: str) -> None:
    """Remove what matches ``pattern`` in ``folder`` and was not touched for long."""
    for path in folder.glob(pattern):
        with suppress(FileNotFoundError):
            if path.lstat().st_mtime > clock.now() - OLD:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()


__all__ = ["clear"]
