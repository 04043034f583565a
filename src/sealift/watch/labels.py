"""Labels, the truths that come later, from files that people have."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from sealift.errors import DataError
from sealift.record.observation import Label

COLUMNS = ("id", "value")


class Line(msgspec.Struct, frozen=True):
    """A label as people write it: of what prediction, the truth, and when it became known."""

    id: str
    value: bool | float | str
    at: float | None = None


def read_labels(path: Path, *, now: float) -> list[Label]:
    """The labels of a CSV file with columns ``id`` and ``value``, or of a JSON lines file.

    JSON lines (``.jsonl``, ``.ndjson``) are objects with ``id`` and ``value``. Both may give
    ``at``, seconds since 1970 when the truth became known; ``now`` is taken where they do not.
    Further columns do not count. Raises ``DataError`` with the line number; then nothing of the
    file has been taken.
    """
    read = _json_lines if path.suffix in (".jsonl", ".ndjson") else _csv_lines
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return [label(line, now=now, where=where) for where, line in read(file, path)]
    except OSError as error:
        raise DataError(
            f"The labels cannot be read: {error.strerror}.", where=str(path), remedy="Look there."
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"The labels are not UTF-8 text (byte {error.start}).",
            where=str(path),
            remedy="Save the file as UTF-8.",
        ) from error


def label(line: Line, *, now: float, where: str) -> Label:
    """A label as it is kept; raises ``DataError`` when a part of it makes no sense.

    >>> label(Line(id="a", value=True), now=5.0, where="line 1").value
    'true'
    """
    if not line.id:
        _refuse("The id is empty.", where, "Give the id that the prediction came back with.")
    value = line.value
    if isinstance(value, bool):
        value = "true" if value else "false"
    for number in (value, line.at):
        if isinstance(number, float) and not math.isfinite(number):
            _refuse(f"{number} is not a finite number.", where, "Leave the line out.")
    return Label(id=line.id, value=value, at=now if line.at is None else line.at)


def number_or_text(text: str) -> float | str:
    """A number where the text spells a finite one without loss, else the text.

    >>> number_or_text("12.50"), number_or_text("UA"), number_or_text("nan")
    (12.5, 'UA', 'nan')
    >>> number_or_text("12345678901234567890")
    '12345678901234567890'
    """
    try:
        value = float(text)
    except ValueError:
        return text
    if not math.isfinite(value):
        return text
    whole = text.strip().lstrip("+-").isdecimal()
    return text if whole and int(text) != value else value


def _csv_lines(file: Iterable[str], path: Path) -> Iterator[tuple[str, Line]]:
    rows = csv.DictReader(file, strict=True)
    try:
        missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
        if missing:
            found = ", ".join(rows.fieldnames or ()) or "nothing"
            _refuse(
                f"There is no column {missing[0]!r}; the first line has {found}.",
                f"{path}, line 1",
                "Begin the file with the line 'id,value'.",
            )
        for row in rows:
            where = f"{path}, line {rows.line_num}"
            yield where, _csv_line(row, where)
    except csv.Error as error:
        _refuse(f"The line is no CSV: {error}.", f"{path}, line {rows.line_num}", "Mend it.")


def _csv_line(row: dict[str | Any, str | Any], where: str) -> Line:
    name, text, at = row["id"], row["value"], row.get("at") or None
    if text is None or text == "":
        _refuse("The value is missing.", where, "Give it, or leave the line out.")
    if at is not None:
        try:
            at = float(at)
        except ValueError:
            _refuse(f"'at' is {at!r}.", where, "Give seconds since 1970, or leave it empty.")
    return Line(id=name, value=number_or_text(text), at=at)


def _json_lines(file: Iterable[str], path: Path) -> Iterator[tuple[str, Line]]:
    decoder = msgspec.json.Decoder(Line)
    for number, text in enumerate(file, start=1):
        where = f"{path}, line {number}"
        if not text.strip():
            continue
        try:
            yield where, decoder.decode(text)
        except (msgspec.DecodeError, RecursionError) as error:
            _refuse(f"The line is no label: {error}.", where, 'Write {"id": "...", "value": ...}.')


def _refuse(what: str, where: str, remedy: str) -> NoReturn:
    raise DataError(what, where=where, remedy=remedy)


__all__ = ["Line", "label", "number_or_text", "read_labels"]
