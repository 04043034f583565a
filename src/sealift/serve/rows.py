"""Bodies of ``/predict``: rows by name as JSON, JSON lines, CSV or Arrow, and answers likewise."""

from __future__ import annotations

import csv
import io
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from sealift.serve import flagged, pieces
from sealift.serve.guard import Guard
from sealift.serve.refusal import RefusalError, brief, nearest
from sealift.serve.tensors import Row

JSON = "application/json"
CSV = "text/csv"
LINES = "application/jsonl"
_LINES = (LINES, "application/x-ndjson", "application/x-jsonlines")
ARROW = "application/vnd.apache.arrow.stream"
_FILE = "application/vnd.apache.arrow.file"
KINDS = (JSON, CSV, *_LINES, ARROW, _FILE)
"""The media types that are understood."""


LINE = 2 << 20
"""Bytes of a line of CSV: one is parsed by one call."""


def read(guard: Guard, body: bytes, kind: str) -> tuple[str | None, list[Row]]:
    """The id that the body gives, and its rows. Raises ``RefusalError``."""
    if kind == CSV:
        return None, guard.read_texts(_table(guard, body))
    if kind in _LINES:
        return None, guard.read_lines(body)
    if kind in (ARROW, _FILE):
        return None, _columns(guard, body)
    return guard.read(body)


def chosen(accept: str) -> str:
    """The media type of the answer that ``Accept`` likes best of those written; else JSON.

    >>> chosen("text/csv"), chosen("text/html, */*"), chosen("application/x-ndjson")
    ('text/csv', 'application/json', 'application/x-ndjson')
    >>> chosen("application/json;q=0.1, text/csv; charset=utf-8; q=0.9")
    'text/csv'
    """
    if accept in ("", "*/*"):
        return JSON
    best, liked = JSON, 0.0
    for choice in accept.lower().split(","):
        name, *parameters = (part.strip() for part in choice.split(";"))
        kind = JSON if name == "*/*" else name
        if kind in KINDS and kind != _FILE and (quality := _quality(parameters)) > liked:
            best, liked = kind, quality
    return best


def _quality(parameters: Sequence[str]) -> float:
    """How much a choice is liked, as RFC 9110, 12.4.2, has it."""
    said = next((one[2:] for one in parameters if one.startswith("q=")), "1")
    try:
        return float(said)
    except ValueError:
        return 0.0


def written(
    kind: str, head: dict[str, Any], predictions: Sequence[Any], flags: dict[int, list[str]]
) -> bytes:
    """The body of an answer; ``head`` holds ``id``, ``model`` and ``version``.

    CSV, JSON lines and Arrow have one row for each row asked, with the id that its record bears.
    """
    if kind == JSON:
        whole = {**head, "predictions": predictions}
        if flags:
            whole["flags"] = msgspec.Raw(flagged.told(flags))
        return msgspec.json.encode(whole)
    several = len(predictions) > 1
    ids = [
        f"{head['id']}/{number}" if several else head["id"] for number in range(len(predictions))
    ]
    named = [flags.get(number, []) for number in range(len(predictions))]
    if kind == ARROW:
        # by name, so that the layer of the server has it too
        from sealift.serve.arrow import answer  # noqa: PLC0415

        return answer.written(ids, predictions, [";".join(names) for names in named])
    if kind != CSV:
        lines = [
            {"id": one, "prediction": value, "flags": names}
            for one, value, names in zip(ids, predictions, named, strict=True)
        ]
        return msgspec.json.Encoder().encode_lines(lines)
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(("id", "prediction", "flags"))
    writer.writerows(
        (one, _cell(value), ";".join(names))
        for one, value, names in zip(ids, predictions, named, strict=True)
    )
    return text.getvalue().encode()


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else msgspec.json.encode(value).decode()


def _columns(guard: Guard, body: bytes) -> list[Row]:
    # by name, so that the layer of the server has it too
    from sealift.serve.arrow import stream  # noqa: PLC0415

    found = stream.read(body, guard.names, guard.contract.max_rows)
    columns = [
        [whole(value) for value in found[field.name]] if field.type == "int" else found[field.name]
        for field in guard.contract.fields
    ]
    size = guard.group
    rows: list[tuple[Any, ...]] = []
    for place in range(0, max(map(len, columns), default=0), size):
        rows += zip(*(column[place : place + size] for column in columns), strict=True)
    return guard.read_values(rows)


def whole(value: Any) -> Any:
    """A number without a fraction as a whole number: tables with gaps hold floats.

    >>> whole(3.0), whole(3.5), whole(None)
    (3, 3.5, None)
    """
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _table(guard: Guard, body: bytes) -> Iterator[list[list[str | None]]]:
    """The rows of a table, as many at a time as are converted at once."""
    group: list[list[str | None]] = []
    count = 0
    try:
        lines = csv.reader(_lines(body), strict=True)
        header = next(lines, [])
        if not header:
            raise RefusalError(
                "The body must begin with a line of the columns' names.", code="malformed_csv"
            )
        places = _places(guard.names, header)
        for cells in lines:
            if not cells:
                continue
            # one row too many is enough to be refused for
            if count > guard.contract.max_rows:
                break
            if len(cells) != len(places):
                raise RefusalError(
                    f"The row has {len(cells)} cells, but the header has {len(places)}.",
                    code="malformed_csv",
                    path=f"rows[{count}]",
                )
            group.append([cells[place] or None for place in places])
            count += 1
            if len(group) == guard.group:
                yield group
                group = []
    except csv.Error as error:
        raise RefusalError(
            f"The body is not CSV: {error}.", code="malformed_csv", path=f"rows[{count}]"
        ) from error
    if group:
        yield group


def _lines(body: bytes) -> Iterable[str]:
    """The lines of a table. Raises ``RefusalError``."""
    if len(body) <= pieces.PIECE:
        return _spelled(body.removeprefix(BOM_UTF8))
    return _read_lines(body.removeprefix(BOM_UTF8))


def _read_lines(body: bytes) -> Iterator[str]:
    for piece in pieces.paragraphs(body):
        if len(piece) > pieces.PIECE + LINE:
            raise RefusalError(
                f"A line of the body has more than {LINE} bytes; send such rows as JSON.",
                code="malformed_csv",
            )
        # a step of the interpreter for each, so that other threads have their turn
        for line in _spelled(piece):  # noqa: UP028
            yield line


def _spelled(text: bytes) -> io.StringIO:
    try:
        return io.StringIO(text.decode(), newline="")
    except UnicodeDecodeError as error:
        raise RefusalError("The body is not valid UTF-8.", code="malformed_csv") from error


def _places(names: Sequence[str], header: list[str]) -> list[int]:
    """Where the columns of the fields stand, in the order of the fields."""
    for name in header:
        if name not in names:
            raise RefusalError(
                f"There is no {brief(name)}.{nearest(name, names)}",
                code="unknown_field",
                path=f"rows[0].{name[:200]}",
            )
        if header.count(name) > 1:
            raise RefusalError(
                f"Two columns are called {brief(name)}.", code="repeated_field", path=name[:200]
            )
    for name in names:
        if name not in header:
            raise RefusalError(
                f"{name!r} is missing.", code="missing_field", path=f"rows[0].{name}"
            )
    return [header.index(name) for name in names]


__all__ = ["ARROW", "CSV", "JSON", "KINDS", "LINES", "chosen", "read", "whole", "written"]
