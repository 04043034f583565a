"""Ending what a look at the machine started and left running."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sealift import clock, process

MARK = "SEALIFT_DOCTOR"
"""A variable of the environment, by which the programs of one examination are known."""


@contextmanager
def swept() -> Iterator[None]:
    """What is started inside and still runs after it is ended, and nothing else.

    Podman without root, at the first question, leaves a process that holds its user namespace. One
    that was there before lacks the mark of this examination, and stays.
    """
    before, mark = os.environ.get(MARK), clock.token(32)
    os.environ[MARK] = mark
    try:
        yield
    finally:
        del os.environ[MARK]
        if before is not None:
            os.environ[MARK] = before
        for pid in _marked(mark):
            process.end(pid, process.started(pid), 0.0)


def _marked(mark: str) -> list[int]:
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [pid for pid in pids if process.environment(pid).get(MARK) == mark]


__all__ = ["swept"]
