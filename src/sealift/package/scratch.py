"""Folders for work in progress that do not outlive it, even when it is killed."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from sealift import clock, process


@contextlib.contextmanager
def scratch(parent: Path) -> Iterator[Path]:
    """A new empty folder below ``parent``, removed at the end.

    Folders of processes that have died are removed first.
    """
    parent.mkdir(parents=True, exist_ok=True)
    sweep(parent)
    pid = os.getpid()
    folder = parent / f"{pid}.{process.started(pid)}.{clock.token(8)}"
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep(parent: Path) -> None:
    """Remove what processes that have died left below ``parent``, which need not be there."""
    for folder in parent.iterdir() if parent.is_dir() else ():
        pid, _, rest = folder.name.partition(".")
        start = rest.partition(".")[0]
        known = pid.isdigit() and start.isdigit()
        if not known or not process.alive(int(pid), int(start)):
            shutil.rmtree(folder, ignore_errors=True)


__all__ = ["scratch", "sweep"]
