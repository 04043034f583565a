"""Observations as rows: an output or a label is a number or a text, in a column each."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from sealift.record.observation import Label, Prediction, RequestSeen, Scored, Sketch

SCORED = """
    SELECT scored.serial, prediction.id, prediction.at, prediction.version, prediction.generation,
        prediction.number, prediction.text, scored.labelled, scored.number, scored.text
    FROM scored JOIN prediction ON prediction.id = scored.id
"""
"""What ``to_scored`` reads."""
SKETCH = "SELECT version, field, since, counts, nulls FROM sketch"
"""What ``to_sketch`` reads."""
REQUEST = "SELECT serial, at, generation, version, status, seconds FROM request"
"""What ``to_request`` reads."""


def of_prediction(new: Prediction) -> dict[str, Any]:
    """Its row; inputs are counted in sketches, not kept."""
    return {
        "id": new.id,
        "at": new.at,
        "version": new.version,
        "generation": new.generation,
        "seconds": new.seconds,
        **_split(new.output),
    }


def of_label(new: Label) -> dict[str, Any]:
    """Its row among those that wait."""
    return {"id": new.id, "at": new.at, **_split(new.value)}


def of_sketch(new: Sketch) -> dict[str, Any]:
    """Its row."""
    return {**msgspec.structs.asdict(new), "counts": msgspec.json.encode(new.counts).decode()}


def to_request(row: Any) -> tuple[int, RequestSeen]:
    """A request with its serial number."""
    serial, at, generation, version, status, seconds = row
    return serial, RequestSeen(
        at=at, generation=generation, version=version, status=status, seconds=seconds
    )


def to_scored(row: Any) -> tuple[int, Scored]:
    """A prediction with its label and the serial number of the pair."""
    serial, name, at, version, generation, number, text, labelled, label_number, label_text = row
    return serial, Scored(
        id=name,
        at=at,
        labelled=labelled,
        version=version,
        generation=generation,
        output=_joined(number, text),
        value=_joined(label_number, label_text),
    )


def to_sketch(row: Any) -> Sketch:
    """A sketch."""
    version, field, since, counts, nulls = row
    return Sketch(
        version=version,
        field=field,
        since=since,
        counts=tuple(msgspec.json.decode(counts)),
        nulls=nulls,
    )


def _split(value: float | str) -> dict[str, Any]:
    if isinstance(value, str):
        return {"number": None, "text": value}
    return {"number": None if math.isnan(value) else float(value), "text": None}


def _joined(number: float | None, text: str | None) -> float | str:
    if text is not None:
        return text
    return math.nan if number is None else number


__all__ = [
    "REQUEST",
    "SCORED",
    "SKETCH",
    "of_label",
    "of_prediction",
    "of_sketch",
    "to_request",
    "to_scored",
    "to_sketch",
]
