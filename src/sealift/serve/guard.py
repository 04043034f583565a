"""The input contract, compiled: requests become rows, or a refusal that names the field.

Types, bounds, lengths, closed categories, missing and unknown fields are checked by a decoder
generated from the contract, while it parses.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from sealift.record.contract import Contract, Field
from sealift.serve import strict
from sealift.serve.refusal import RefusalError
from sealift.serve.tensors import Row, limits

ID_LENGTH = 128
"""Characters that the id of a prediction may have."""

Id = Annotated[str, Meta(max_length=ID_LENGTH)]


class Guard:
    """One contract, as fast checks."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.names = [field.name for field in contract.fields]
        self._named = _row(contract, array_like=False)
        request = msgspec.defstruct(
            "PredictRequest",
            [
                ("rows", Annotated[list[self._named], Meta(max_length=contract.max_rows)]),  # type: ignore[name-defined]
                ("id", Id | None, None),
            ],
            forbid_unknown_fields=True,
            omit_defaults=True,
        )
        self._decoder = msgspec.json.Decoder(request)
        self._line = msgspec.json.Decoder(self._named)
        self._positional: Any = list[_row(contract, array_like=True)]  # type: ignore[misc]
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
        request: Any = strict.decode(self._decoder, body, [*self.names, "rows", "id"])
        return request.id, self._rows(request.rows, "rows")

    def read_lines(self, body: bytes) -> list[Row]:
        """The rows of a body with one JSON object a line. Raises ``RefusalError``."""

        def located(path: str) -> tuple[str, str]:
            return f"rows{path}", f"rows{path}"

        rows = strict.decode_lines(self._line, body, self.names, located)
        return self._bounded(self._rows(rows, "rows"))

    def read_texts(self, rows: Sequence[Sequence[str | None]]) -> list[Row]:
        """Rows of texts in the order of the fields, as tables hold them; None for an empty cell.

        Raises ``RefusalError`` for a text that does not spell a value of its field.
        """

        def located(path: str) -> tuple[str, str]:
            row, field = (int(part) for part in path.strip("[]").split("]["))
            return f"rows[{row}].{self.names[field]}", f"rows[{row}].{self.names[field]}"

        try:
            checked = msgspec.convert(rows, self._positional, strict=False)
        except strict.FAULTS as error:
            raise strict.translated(error, place=located) from error
        return self._bounded(self._rows(checked, "rows"))

    def check(self, rows: Sequence[Sequence[Any]], place: Callable[[int, int], str]) -> list[Row]:
        """Rows of values in the order of the fields, checked.

        ``place`` is the client's path of the value of a row and a field. Raises ``RefusalError``.
        """

        def located(path: str) -> tuple[str, str]:
            row, field = (int(part) for part in path.strip("[]").split("]["))
            return place(row, field), self.names[field]

        try:
            checked = msgspec.convert(rows, self._positional)
        except strict.FAULTS as error:
            raise strict.translated(error, place=located) from error
        return self._rows(checked, "inputs")

    def flags(self, rows: Sequence[Row]) -> dict[int, list[str]]:
        """The fields, by row, whose legal values lie outside what the training data held."""
        flagged: dict[int, list[str]] = {}
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

    def _bounded(self, rows: list[Row]) -> list[Row]:
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
    kind = _row(contract, array_like=True)

    def fits(row: Row) -> bool:
        try:
            msgspec.convert(row, kind)
        except strict.FAULTS:
            return False
        return True

    return fits


def _row(contract: Contract, *, array_like: bool) -> type[Any]:
    names = {f"f{place}": field.name for place, field in enumerate(contract.fields)}
    members = [(f"f{place}", field_type(field)) for place, field in enumerate(contract.fields)]
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


__all__ = ["ID_LENGTH", "Guard", "field_type", "legal", "legal_range"]
