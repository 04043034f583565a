"""Converting in the ways there are, until one gives the answers of the original."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from . import served
from .graph import columns
from .model import Native
from .parity import TOLERANCE, Answers, Difference, compare
from .said import Failure, say
from .table import Row, Table

ROWS = 300
"""Rows of the table on which both models are asked."""
PROTOBUF = 6
"""The last version of protobuf that takes truth values where a converter means whole numbers."""
WAYS = ("FLOAT", "OWN", "DOUBLE")
"""How a model may take numbers, the fastest way first."""
EXPORT = (
    "Let the step export the model to ONNX itself, or serve it as it is by a program of your own, "
    "[model] predict; docs/your-model.md shows both."
)
_TOOLS = (
    "skl2onnx",
    "onnxmltools",
    "onnx",
    "protobuf",
    "scikit-learn",
    "xgboost",
    "xgboost-cpu",
    "lightgbm",
)


class Unable(Exception):  # noqa: N818 - one way of several did not work
    """A converter gave up; the text is what it said."""


def convert(
    model: Native, table: Table, *, classify: bool, target: Path, requirements: str
) -> None:
    """Write the model as ONNX. Raises ``Failure`` when no way gives the original's answers."""
    sample = table.sample(ROWS)
    rows = [row for _, row in sample]
    original = _original(model, rows, classify=classify)
    closest: Difference | None = None
    said = ""
    for numbers in _ways(model, table):
        try:
            made = _made(model, table, numbers)
            found = compare(original, _asked(made, rows, classify=classify))
        except Unable as error:
            said = said or str(error)
            say("unable", error=str(error), where=numbers)
            continue
        if found.size <= 1:
            target.write_bytes(made)
            say(
                "converted",
                tools=_tools(),
                rows=len(rows),
                worst=found.size * TOLERANCE,
                tolerance=TOLERANCE,
                numbers=numbers,
            )
            return
        say("different", where=numbers, rows=found.differing)
        closest = found if closest is None or found.size < closest.size else closest
    if closest is None:
        raise _unable(said, requirements)
    number, row = sample[closest.place]
    raise _different(closest, f"row {number + 1} of the table", row, len(rows))


def hold(model: Native, table: Table, golden: Mapping[str, Any], *, classify: bool) -> None:
    """Ask the original for the golden vectors. Raises ``Failure`` when it says something else."""
    # a column that the graph does not read is in no golden vector, and any value of it will do
    ((_, usual),) = table.sample(1)
    rows = [usual | table.typed(row) for row in golden["rows"]]
    original = _original(model, rows, classify=classify)
    found = compare(original, served.picked(golden["outputs"], classify=classify))
    if found.size > 1:
        raise _different(found, f"golden vector {found.place}", rows[found.place], len(rows))
    say("compared", rows=len(rows), worst=found.size * TOLERANCE)


def _unable(said: str, requirements: str) -> Failure:
    version = _tools().get("protobuf", "0")
    remedy = EXPORT
    if int(version.partition(".")[0]) > PROTOBUF:
        remedy = (
            f"If protobuf {version} is to blame, add protobuf<{PROTOBUF + 1} to {requirements}. "
            f"Or else: {EXPORT}"
        )
    return Failure(f"The model cannot be converted to ONNX: {said}", where="model", remedy=remedy)


def _ways(model: Native, table: Table) -> Iterator[str]:
    own = {"int", "bool"} & {table.kinds[name] for name in model.columns}
    return (way for way in WAYS if way != "OWN" or own)


def _original(model: Native, rows: Sequence[Row], *, classify: bool) -> Answers:
    try:
        found = model.answers(rows)
    except Exception as error:  # whatever the model's own code raises
        raise Failure(
            f"The model fails on rows of the table: {_short(error)}",
            where="table",
            remedy="Write the table as the model takes it: the columns that it was trained on, "
            "before any preparation that is not part of it.",
        ) from error
    if classify and found.values and not isinstance(found.values[0], str):
        raise Failure(
            "The model predicts numbers, but [model] task is classification.",
            where="[model] task",
            remedy="Set task to regression.",
        )
    if not classify and found.values and isinstance(found.values[0], str):
        raise Failure(
            "The model predicts classes, but [model] task is regression.",
            where="[model] task",
            remedy="Set task to classification.",
        )
    return found


def _made(model: Native, table: Table, numbers: str) -> bytes:
    try:
        made, given = model.convert(numbers)
        kinds = {name: table.kinds[name] for name in model.columns}
        whole: bytes = columns(made, kinds, given).SerializeToString()
    except Failure:
        raise
    except Exception as error:  # converters raise what comes up
        raise Unable(_short(error)) from error
    return whole


def _asked(made: bytes, rows: Sequence[Row], *, classify: bool) -> Answers:
    try:
        return served.answers(made, rows, classify=classify)
    except Exception as error:  # onnxruntime's errors share no other base
        raise Unable(_short(error)) from error


def _different(found: Difference, place: str, row: Row, asked: int) -> Failure:
    cells = ", ".join(f"{name} = {json.dumps(value)}" for name, value in list(row.items())[:6])
    return Failure(
        "The model in ONNX does not answer as the original does: "
        f"for {place} the original says {found.original}, and ONNX {found.converted}; "
        f"{found.differing} of {asked} rows differ by more than {TOLERANCE:g}. The row: {cells}.",
        where="model",
        remedy="Change the part of the model that does not convert exactly. " + EXPORT,
    )


def _short(error: Exception) -> str:
    """What an exception says, in one line."""
    words = " ".join(f"{type(error).__name__}: {error}".split())
    return words if len(words) <= 400 else f"{words[:400]} ..."


def _tools() -> dict[str, str]:
    found = {}
    for name in _TOOLS:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


__all__ = ["convert", "hold"]
