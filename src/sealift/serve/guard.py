"""The input contract, compiled: requests become rows, or a refusal that names the field.

Types, bounds, lengths, closed categories, missing and unknown fields are checked by a decoder
generated from the contract, while it parses. Most rows hold nothing but values that the training
data had: a narrower decoder is tried first, and rows that pass it need no other look.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

from sealift.record.contract import Contract, Field
from sealift.serve import pieces, strict
from sealift.serve.refusal import RefusalError
from sealift.serve.spelling import respelled
from sealift.serve.tensors import Row, limits

ID_LENGTH = 128
"""Characters that the id of a prediction may have."""

Id = Annotated[str, Meta(max_length=ID_LENGTH)]

GROUP = 1 << 16
"""Values of rows that are converted by one call."""

Rows = TypeVar("Rows", bound=Sequence[Any])
T = TypeVar("T")

_Nothing = Annotated[int, Meta(ge=1, le=0)]


class Usual(list[Row]):
    """Rows whose values all lie within what the training data held."""


class Guard:
    """One contract, as fast checks."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.names = [field.name for field in contract.fields]
        legal = [field_type(field) for field in contract.fields]
        named = _row(contract, legal, array_like=False)
        self._decoder = _request(contract, named)
        self._outline = _requests(msgspec.Raw)
        self._list = _several(named)
        self._line = msgspec.json.Decoder(named)
        self._positional: Any = list[_row(contract, legal, array_like=True)]  # type: ignore[misc]
        usual = [usual_type(field) for field in contract.fields]
        # a field for which there is no such type is one that nothing passes
        plain = _row(contract, usual, array_like=False)
        self._usual, self._usual_list = _request(contract, plain), _several(plain)
        self._usual_positional: Any = list[_row(contract, usual, array_like=True)]  # type: ignore[misc]
        self._quotes = sum(msgspec.json.encode(name).count(b'"') for name in self.names)
        self._spoken = [place for place, one in enumerate(contract.fields) if one.type == "string"]
        self._numbers = [
            (place, field.name, field.low, field.high)
            for place, field in enumerate(contract.fields)
            if field.low is not None and field.high is not None
        ]
        self._texts = [
            (place, field.name, frozenset(field.categories))
            for place, field in enumerate(contract.fields)
            if field.categories is not None and not field.closed
        ]

    def read(self, body: bytes) -> tuple[str | None, list[Row]]:
        """The id and the rows of a ``/predict`` body. Raises ``RefusalError``."""
        if len(body) > pieces.PIECE:
            return self._read_long(body)
        try:
            usual = self._usual.decode(body)
        except strict.FAULTS:
            usual = None
        if usual is not None and usual.rows:
            rows = Usual(map(msgspec.structs.astuple, usual.rows))
            if body.count(b'"') == 2 + self._marks(usual.id, rows):
                return usual.id, rows
        request: Any = strict.decode(self._decoder, body, [*self.names, "rows", "id"])
        return request.id, self._rows(request.rows, "rows")

    def read_lines(self, body: bytes) -> list[Row]:
        """The rows of a body with one JSON object a line. Raises ``RefusalError``."""

        def located(path: str) -> tuple[str, str]:
            return f"rows{path}", f"rows{path}"

        rows: list[Row] = []
        for found in strict.decode_lines(self._line, body, self.names, located):
            rows += map(msgspec.structs.astuple, found)
            self._bounded(rows)
        return rows or self._rows(rows, "rows")

    def read_texts(self, groups: Iterable[Sequence[Sequence[str | None]]]) -> list[Row]:
        """Rows of texts in the order of the fields, as tables hold them; None for an empty cell.

        They come as many at a time as are converted at once. Raises ``RefusalError`` for a text
        that does not spell a value of its field.
        """

        def located(path: str) -> tuple[str, str]:
            row, field = (int(part) for part in path.strip("[]").split("]["))
            return f"rows[{row}].{self.names[field]}", f"rows[{row}].{self.names[field]}"

        rows: list[Row] = []
        for group in groups:
            place = strict.behind(located, len(rows))
            rows += map(msgspec.structs.astuple, self._converted(group, place))
            self._bounded(rows)
        return rows or self._rows(rows, "rows")

    def read_values(self, rows: Sequence[Sequence[Any]]) -> list[Row]:
        """Rows of values in the order of the fields, as tables with types hold them.

        Raises ``RefusalError``.
        """
        # one row too many is enough to be refused for
        self._bounded(rows)
        if not rows:
            return self._rows(rows, "rows")
        return self.check(rows, lambda row, field: f"rows[{row}].{self.names[field]}")

    def check(self, rows: Sequence[Sequence[Any]], place: Callable[[int, int], str]) -> list[Row]:
        """Rows of values in the order of the fields, checked.

        ``place`` is the client's path of the value of a row and a field. Raises ``RefusalError``.
        """

        def located(path: str) -> tuple[str, str]:
            row, field = (int(part) for part in path.strip("[]").split("]["))
            return place(row, field), self.names[field]

        if not rows:
            return self._rows(rows, "inputs")
        usual: list[Row] = Usual()
        try:
            for group in self._groups(rows):
                usual += map(
                    msgspec.structs.astuple, msgspec.convert(group, self._usual_positional)
                )
        except strict.FAULTS:
            pass
        else:
            return usual
        legal: list[Row] = []
        for group in self._groups(rows):
            try:
                checked = msgspec.convert(group, self._positional)
            except strict.FAULTS as error:
                place_of = strict.behind(located, len(legal))
                raise strict.translated(error, place=place_of) from error
            legal += map(msgspec.structs.astuple, checked)
        return legal

    def flags(self, rows: Sequence[Row]) -> dict[int, list[str]]:
        """The fields, by row, whose legal values lie outside what the training data held."""
        flagged: dict[int, list[str]] = {}
        if isinstance(rows, Usual):
            return flagged
        for number, row in enumerate(rows):
            for place, name, low, high in self._numbers:
                value: Any = row[place]
                if value is not None and not low <= value <= high:
                    flagged.setdefault(number, []).append(name)
            for place, name, known in self._texts:
                text = row[place]
                if text is not None and text not in known:
                    flagged.setdefault(number, []).append(name)
        return flagged

    def _read_long(self, body: bytes) -> tuple[str | None, list[Row]]:
        """The same as ``read``, with the rows piece by piece, until there are too many."""
        request = strict.decode(self._outline, body, [*self.names, "rows", "id"])
        text, usual = bytes(request.rows), True
        rows: list[Row] = []
        for piece in pieces.cut(text, b"}") if text[:1] == b"[" else (text,):
            found = self._read_rows(piece, len(rows), body)
            usual = usual and isinstance(found, Usual)
            rows += found
            self._bounded(rows)
        if not rows:
            return request.id, self._rows(rows, "rows")
        return request.id, Usual(rows) if usual else rows

    def _read_rows(self, text: bytes, before: int, body: bytes) -> list[Row]:
        """The rows of a list that stand behind so many others in the body."""
        try:
            # one row of megabytes is not usual
            usual = self._usual_list.decode(text) if len(text) <= strict.LONG else ()
            rows = Usual(map(msgspec.structs.astuple, usual))
            if rows and text.count(b'"') == self._marks(None, rows):
                return rows
        except strict.FAULTS:
            pass
        place = strict.behind(lambda path: (f"rows{path}", f"rows{path}"), before)
        found = strict.decode_rows(self._list, text, [*self.names, "rows", "id"], place, body)
        return list(map(msgspec.structs.astuple, found))

    def _marks(self, given: str | None, rows: Sequence[Row]) -> int:
        """The quotation marks of rows and an id; where there are more, a name occurred twice."""
        spoken = [row[place] for row in rows for place in self._spoken]
        texts = msgspec.json.encode([given, spoken]).count(b'"')
        return (2 if given is not None else 0) + len(rows) * self._quotes + texts

    def _converted(self, rows: Sequence[Sequence[str | None]], place: strict.Place) -> list[Any]:
        """Texts as values, of rows that are found at a ``place``. Raises ``RefusalError``."""
        try:
            found: list[Any] = msgspec.convert(rows, self._positional, strict=False)
        except strict.FAULTS:
            spelled = self._respelled(rows)
        else:
            return found
        try:
            found = msgspec.convert(spelled, self._positional, strict=False)
        except strict.FAULTS as error:
            text = ""
            if (found_at := re.search(r"- at `\$\[(\d+)\]\[(\d+)\]`$", str(error))) is not None:
                text = rows[int(found_at[1])][int(found_at[2])] or ""
            raise self._plainly(text, strict.translated(error, place=place)) from error
        return found

    @property
    def group(self) -> int:
        """Rows that are converted by one call."""
        return max(1, GROUP // max(1, len(self.names)))

    def _groups(self, rows: Sequence[T]) -> Iterable[Sequence[T]]:
        """The rows, as many at a time as are converted within milliseconds."""
        size = self.group
        if len(rows) <= size:
            return (rows,)
        return (rows[place : place + size] for place in range(0, len(rows), size))

    def _respelled(self, rows: Sequence[Sequence[str | None]]) -> list[list[str | None]]:
        """The rows with their numbers spelled as JSON spells them, as far as they can be."""
        kinds = [field.type for field in self.contract.fields]
        return [
            [
                respelled(cell, whole=kind == "int")
                if cell is not None and kind in ("int", "float")
                else cell
                for cell, kind in zip(row, kinds, strict=True)
            ]
            for row in rows
        ]

    def _plainly(self, text: str, refusal: RefusalError) -> RefusalError:
        """The refusal, or what is told instead of a cell that spells NaN or an infinity."""
        if refusal.code != "out_of_range":
            return refusal
        # U+001C to U+001F are blanks around a number to strip(), as elsewhere, but not to float()
        if math.isfinite(float(text.strip())):
            return refusal
        what = f"must be a finite number, not {text[:20]!r}; an empty cell is no value"
        return RefusalError(f"{refusal.where!r} {what}.", code=refusal.code, path=refusal.where)

    def _bounded(self, rows: Rows) -> Rows:
        if len(rows) > self.contract.max_rows:
            raise RefusalError(
                f"'rows' must have a length of at most {self.contract.max_rows}.",
                code="length",
                path="rows",
            )
        return rows

    def _rows(self, structs: Sequence[Any], path: str) -> list[Row]:
        if not structs:
            raise RefusalError(f"{path!r} must hold at least one row.", code="length", path=path)
        return [msgspec.structs.astuple(struct) for struct in structs]


def legal(contract: Contract) -> Callable[[Row], bool]:
    """A test whether a row, in the order of the fields, fits the contract."""
    kind = _row(contract, [field_type(field) for field in contract.fields], array_like=True)

    def fits(row: Row) -> bool:
        try:
            msgspec.convert(row, kind)
        except strict.FAULTS:
            return False
        return True

    return fits


def _request(contract: Contract, row: type[Any]) -> msgspec.json.Decoder[Any]:
    return _requests(Annotated[list[row], Meta(max_length=contract.max_rows)])  # type: ignore[valid-type]


def _requests(rows: Any) -> msgspec.json.Decoder[Any]:
    request = msgspec.defstruct(
        "PredictRequest",
        [("rows", rows), ("id", Id | None, None)],
        forbid_unknown_fields=True,
        omit_defaults=True,
    )
    return msgspec.json.Decoder(request)


def _several(row: type[Any]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(list[row])  # type: ignore[valid-type]


def _row(contract: Contract, kinds: Sequence[Any], *, array_like: bool) -> type[Any]:
    names = {f"f{place}": field.name for place, field in enumerate(contract.fields)}
    members = [(f"f{place}", kind) for place, kind in enumerate(kinds)]
    return msgspec.defstruct(
        "Row",
        members,
        rename=None if array_like else names,
        array_like=array_like,
        forbid_unknown_fields=True,
        gc=False,
    )


def legal_range(field: Field) -> tuple[float, float]:
    """The smallest and the largest legal number of a field, within what its tensor can hold."""
    if field.type == "bool":
        return 0, 1
    smallest, largest = limits(field.dtype)
    low = smallest if field.minimum is None else max(field.minimum, smallest)
    high = largest if field.maximum is None else min(field.maximum, largest)
    if field.type == "int":
        return math.ceil(low), math.floor(high)
    return float(low), float(high)


def usual_range(field: Field) -> tuple[float, float]:
    """The smallest and the largest number of a field that is legal and not flagged."""
    smallest, largest = legal_range(field)
    if field.low is None or field.high is None:
        return smallest, largest
    low, high = max(field.low, smallest), min(field.high, largest)
    return (math.ceil(low), math.floor(high)) if field.type == "int" else (float(low), float(high))


def field_type(field: Field) -> Any:
    """The type, with its bounds, that a decoder checks a value of the field against."""
    if field.type == "string":
        kind: Any = Annotated[str, Meta(max_length=field.max_length)]
        if field.closed and field.categories:
            kind = Literal[field.categories]
    elif field.type == "bool":
        kind = bool
    else:
        low, high = legal_range(field)
        kind = Annotated[int if field.type == "int" else float, Meta(ge=low, le=high)]
    return kind | None if field.nullable else kind


def usual_type(field: Field) -> Any:
    """The type of values that are legal and not flagged."""
    kind: Any = field_type(msgspec.structs.replace(field, nullable=False))
    if field.categories is not None and not field.closed:
        longest = math.inf if field.max_length is None else field.max_length
        known = [text for text in field.categories if len(text) <= longest]
        kind = Literal[tuple(known)] if field.type == "string" and known else _Nothing
    elif field.low is not None and field.high is not None:
        low, high = usual_range(field)
        kind = float if field.type == "float" else int
        kind = Annotated[kind, Meta(ge=low, le=high)] if field.type != "bool" else _Nothing
    return kind | None if field.nullable else kind


__all__ = [
    "ID_LENGTH",
    "Guard",
    "Usual",
    "field_type",
    "legal",
    "legal_range",
    "usual_range",
    "usual_type",
]
