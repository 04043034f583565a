"""The metric points that steps log while they run: their file, and the curves that they make.

A line of the file is a JSON object of numbers by metric, with the number of the ``step`` that they
are of. The first line of each attempt is Sealift's own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

import sealift.curves
from sealift import digest
from sealift.types import Digest

PLACE = "/metrics"
"""Where a step finds the folder with the file, and what writes it for Python."""

FILE = "points.jsonl"
HELPER = "sealift.py"
TAIL = 8192
"""Bytes at the end of a file in which the latest points are looked for."""
ATTEMPT = "attempt"
STEP = "step"

Curve = dict[int, float]
"""The values of a metric by step, in order."""

_BARS = "▁▂▃▄▅▆▇█"


def environment() -> dict[str, str]:
    """What a step that logs curves finds in its environment."""
    return {"SEALIFT_METRICS": f"{PLACE}/{FILE}", "PYTHONPATH": PLACE}


def helper() -> Path:
    """The file that a script of Python imports as ``sealift``."""
    return Path(sealift.curves.__file__)


def helper_digest() -> Digest:
    """What decides how that behaves."""
    return digest.of_file(helper())


def beside(log: Path) -> Path:
    """The folder with the points of the step that has this log."""
    return log.with_suffix(".points")


def begin(folder: Path, kept: Path | None) -> None:
    """Make the folder ready for an attempt; what was logged before stays.

    ``kept`` is the folder that outlives the run, of a step with checkpoints: points that were
    logged before them are of the same curve.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / HELPER).write_bytes(helper().read_bytes())
    file = folder / FILE
    if kept is not None and not file.exists():
        kept.mkdir(parents=True, exist_ok=True)
        (kept / FILE).touch()
        os.link(kept / FILE, file)
    with file.open("a+b") as points:
        end = points.seek(0, os.SEEK_END)
        points.seek(max(0, end - 1))
        # a line that was cut by a crash ends here, and is none
        cut = b"" if points.read(1) in (b"", b"\n") else b"\n"
        points.write(cut + msgspec.json.encode({ATTEMPT: 1}) + b"\n")


def read(folder: Path) -> dict[str, Curve]:
    """The curves in a folder, also while a step writes to it; none where there is no file.

    Lines that cannot be read are left out, as is a last one without its end. What an attempt logs
    takes the place of all that attempts before it logged of the same metric from its first step
    on: a step that goes on from a checkpoint repeats no point, and what it had gone beyond is gone.
    Within an attempt the last value of a step counts.
    """
    curves: dict[str, Curve] = {}
    now: dict[str, Curve] = {}
    for line in _lines(folder / FILE):
        if ATTEMPT in line:
            curves, now = _joined(curves, now), {}
            continue
        step = line.pop(STEP, None)
        for name, value in line.items():
            number = _number(value)
            if number is not None:
                curve = now.setdefault(name, {})
                place = step if isinstance(step, int) else len(curve)
                curve[place] = number
    return {name: dict(sorted(curve.items())) for name, curve in _joined(curves, now).items()}


def latest(folder: Path) -> dict[str, tuple[int, float]]:
    """The newest point of each metric among the last lines of a file that is being written.

    Points without a step of their own are numbered by whoever reads all of them: they get -1.
    """
    found: dict[str, tuple[int, float]] = {}
    try:
        with (folder / FILE).open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - TAIL))
            raw = stream.read()
    except (FileNotFoundError, NotADirectoryError):
        return found
    for line in raw[: raw.rfind(b"\n") + 1].splitlines():
        try:
            values = msgspec.json.decode(line, type=dict[str, object])
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        step = values.pop(STEP, -1)
        for name, value in values.items():
            number = _number(value)
            if number is not None and name != ATTEMPT:
                found[name] = (step if isinstance(step, int) else -1, number)
    return found


def _joined(before: Mapping[str, Curve], after: Mapping[str, Curve]) -> dict[str, Curve]:
    joined = dict(before)
    for name, curve in after.items():
        first = min(curve)
        joined[name] = {s: v for s, v in before.get(name, {}).items() if s < first} | curve
    return joined


def _lines(file: Path) -> Iterator[dict[str, object]]:
    try:
        stream = file.open("rb")
    except (FileNotFoundError, NotADirectoryError):
        return
    with stream:
        for line in stream:
            if not line.endswith(b"\n"):
                return
            try:
                yield msgspec.json.decode(line, type=dict[str, object])
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue


def _number(value: object) -> float | None:
    """A value as a number; what is not finite is written by its name.

    >>> _number(1), _number("nan"), _number(True), _number("x")
    (1.0, nan, None, None)
    """
    if isinstance(value, str) and value.lower() in ("nan", "inf", "-inf"):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)


def drawn(curve: Curve, width: int = 40) -> str:
    """A curve as a line of bars, each the mean of the values that fall on it.

    >>> drawn({0: 1.0, 1: 2.0, 2: 3.0})
    '▁▅█'
    """
    values = [value for value in curve.values() if value - value == 0]
    if not values:
        return ""
    count = min(width, len(values))
    groups = [
        values[len(values) * i // count : len(values) * (i + 1) // count] for i in range(count)
    ]
    means = [sum(group) / len(group) for group in groups]
    low, spread = min(means), max(means) - min(means)
    top = len(_BARS) - 1
    return "".join(_BARS[round((one - low) / spread * top) if spread else 0] for one in means)


__all__ = [
    "FILE",
    "HELPER",
    "PLACE",
    "Curve",
    "begin",
    "beside",
    "drawn",
    "environment",
    "helper_digest",
    "latest",
    "read",
]
