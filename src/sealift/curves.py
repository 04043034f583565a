"""Metric points from a script, in one line: ``sealift.log_metric("loss", 0.3, step=10)``.

This file alone lies beside a step that logs curves, on whatever Python its image has: it needs the
standard library and nothing else, and nothing of it can make a training fail. A point is a line of
JSON, appended to the file that the variable SEALIFT_METRICS names; where there is none, nothing is
written. Points are kept back for a second at most, and written by whole lines.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import threading
import time

VARIABLE = "SEALIFT_METRICS"
MOST = 1000
SECONDS = 1.0

_lock = threading.Lock()
_lines: list[str] = []
_state = {"written": 0.0, "process": 0.0}


def log_metric(name: str, value: float, step: int | None = None) -> None:
    """Log one point of a curve; without a ``step`` the points are numbered as they come."""
    log_metrics({name: value}, step)


def log_metrics(values: dict[str, float], step: int | None = None) -> None:
    """Log a point of each of several curves at the same step."""
    with contextlib.suppress(Exception):
        line: dict[str, object] = {} if step is None else {"step": int(step)}
        line.update((str(name), _plain(float(value))) for name, value in values.items())
        text = json.dumps(line)
        with _lock:
            _own()
            _lines.append(text)
            if len(_lines) >= MOST or time.monotonic() - _state["written"] > SECONDS:
                _write()


def flush() -> None:
    """Write what is kept back: before a checkpoint is written, so that no point is lost."""
    with contextlib.suppress(Exception), _lock:
        _own()
        _write()


def _plain(value: float) -> float | str:
    """A number as JSON has it: of what is not finite, its name."""
    return value if value - value == 0 else str(value)


def _own() -> None:
    """A process that was forked off leaves to the other what that has not written."""
    if _state["process"] != os.getpid():
        _lines.clear()
        _state["process"] = os.getpid()


def _write() -> None:
    content = "".join(f"{line}\n" for line in _lines)
    _lines.clear()
    _state["written"] = time.monotonic()
    place = os.environ.get(VARIABLE)
    if place and content:
        file = os.open(place, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            os.write(file, content.encode())
        finally:
            os.close(file)


atexit.register(flush)

__all__ = ["flush", "log_metric", "log_metrics"]
