"""What a container of Sealift's own said in its log, and the error that it ended with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from sealift import errors
from sealift.errors import PackageError, SealiftError
from sealift.record.project import ModelSettings

WEIGHTS = "model.onnx"
"""The file of a model; files whose names begin so belong to it."""


PROGRAM = "predict.py"


class Event(msgspec.Struct, frozen=True):
    """A line of the log.

    ``tools`` and what follows it are said of a conversion.
    """

    event: str
    kind: str = ""
    error: str = ""
    where: str = ""
    remedy: str = ""
    tools: dict[str, str] = {}
    rows: int = 0
    tolerance: float = 0.0
    worst: float = 0.0


def events(log: Path) -> list[Event]:
    """What the container said of itself; other lines are left out."""
    found = []
    for line in log.read_text(errors="replace").splitlines() if log.exists() else []:
        try:
            found.append(msgspec.json.decode(line, type=Event))
        except msgspec.DecodeError:
            continue
    return found


def failure(
    said: Sequence[Event], settings: ModelSettings, log: Path, *, work: str, status: int
) -> SealiftError:
    """The error of a container that ended badly, in terms of the project.

    ``work`` is what it was to do, such as ``Learning the contract``.
    """
    last = next((event for event in reversed(said) if event.event == "failed"), None)
    if last is None:
        return PackageError(
            f"{work} ended with status {status} before it said why.",
            where=str(log),
            remedy="The log tells more; perhaps the machine lacks memory for the model.",
        )
    kind = getattr(errors, last.kind, PackageError) if last.kind in errors.__all__ else PackageError
    told: SealiftError = kind(
        last.error,
        where=_place(last.where, settings),
        remedy=last.remedy or f"The log tells more: {log}",
    )
    return told


def _place(where: str, settings: ModelSettings) -> str:
    """A place in the container as a place in the project.

    >>> wines = ModelSettings(origin="a.model", task="regression", table="a.table", target="y")
    >>> _place("/in/model/model.onnx", wines), _place("[model] target", wines)
    ('output a.model: model.onnx', 'sealift.toml: [model] target')
    """
    if where.startswith("[model"):
        return f"sealift.toml: {where}"
    if where in ("table", "/in/table"):
        return f"output {settings.table}"
    if where in ("model", "/in/model"):
        return f"output {settings.origin}"
    if where in (WEIGHTS, f"/in/model/{WEIGHTS}"):
        return f"output {settings.origin}: {WEIGHTS}"
    if where == PROGRAM and settings.predict:
        return settings.predict
    return where


__all__ = ["WEIGHTS", "Event", "events", "failure"]
