"""The input contract for whole tensors: the same rules as for rows, checked by columns.

Bounds of floats are taken as the tensor's own datatype holds them. NaN is no value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np

from sealift.record.contract import Field
from sealift.serve import native, strict
from sealift.serve.guard import field_type, legal_range
from sealift.serve.refusal import RefusalError
from sealift.serve.tensors import Array, Value

Place = Callable[[int, int], str]
"""The client's path of the value of a row and a column."""

FEW = 4096
"""Values up to which each is compared; of more, the least and the greatest of each column."""


class Texts:
    """The contract of the columns of a tensor of texts."""

    def __init__(self, fields: Sequence[Field]) -> None:
        self._columns = [
            (
                field.name,
                list.__class_getitem__(field_type(field)),
                None if field.closed or field.categories is None else frozenset(field.categories),
            )
            for field in fields
        ]

    def check(self, flat: list[Any], place: Place) -> Array | None:
        """Where a tensor, flat and row-major, is flagged: [rows, columns]; None for nowhere.

        Raises ``RefusalError``.
        """
        width = len(self._columns)
        seen: Array = np.zeros((len(flat) // width, width), np.bool_)
        for number, (name, kind, known) in enumerate(self._columns):
            column = flat[number::width]

            def located(path: str, number: int = number, name: str = name) -> tuple[str, str]:
                return place(int(path.strip("[]")), number), name

            try:
                msgspec.convert(column, kind)
            except strict.FAULTS as error:
                raise strict.translated(error, place=located) from error
            if known is not None:
                seen[:, number] = [text is not None and text not in known for text in column]
        return seen if seen.any() else None


class Numbers:
    """The contract of the columns of a tensor of numbers or truths.

    ``plain`` is true where clients send every value as the tensor holds it.
    """

    def __init__(self, fields: Sequence[Field]) -> None:
        self._fields = fields
        self._truths = [number for number, field in enumerate(fields) if field.type == "bool"]
        self._nullable = np.array([field.nullable for field in self._fields])
        self.plain = not any(field.nullable or field.type == "bool" for field in self._fields)
        self._plans: dict[np.dtype[Any], tuple[Array, Array, Array, Array]] = {}

    def check(self, array: Array, place: Place) -> Array | None:
        """Where a tensor [rows, columns] is flagged; None for nowhere. Raises ``RefusalError``."""
        if array.dtype == np.bool_:
            return None
        minimum, maximum, low, high = self._plan(array.dtype)
        usual = _within(array, low, high)
        # a column with NaN lies within nothing, and is looked at value by value
        if not usual and not _within(array, minimum, maximum):
            self._judge(array, place)
        if self._truths:
            self._check_truths(array, place)
        if usual:
            return None
        outside: Array = ~((array >= low) & (array <= high)) & ~_missing(array)
        return outside if outside.any() else None

    def column(self, number: int, values: list[Any]) -> list[Value]:
        """A column as clients send it: NaN as None, truths as such."""
        field = self._fields[number]
        if field.type == "bool":
            return [bool(value) for value in values]
        if field.nullable:
            return [None if value != value else value for value in values]
        return values

    def _plan(self, dtype: np.dtype[Any]) -> tuple[Array, Array, Array, Array]:
        if dtype not in self._plans:
            legal = [legal_range(field) for field in self._fields]
            seen = [
                (max(field.low, least), min(field.high, most))
                if field.low is not None and field.high is not None
                else (least, most)
                for field, (least, most) in zip(self._fields, legal, strict=True)
            ]
            self._plans[dtype] = (
                np.array([low for low, _ in legal], dtype),
                np.array([high for _, high in legal], dtype),
                np.array([_inward(low, math.ceil, dtype) for low, _ in seen], dtype),
                np.array([_inward(high, math.floor, dtype) for _, high in seen], dtype),
            )
        return self._plans[dtype]

    def _judge(self, array: Array, place: Place) -> None:
        minimum, maximum, _, _ = self._plan(array.dtype)
        missing = _missing(array)
        wrong = ~((array >= minimum) & (array <= maximum)) & ~(missing & self._nullable)
        found = np.argwhere(wrong)
        if not len(found):
            return
        row, column = (int(index) for index in found[0])
        field, path = self._fields[column], place(row, column)
        if missing[row, column]:
            text = f"{field.name!r} must be a number, not null or NaN."
            raise RefusalError(text, code="wrong_type", path=path)
        low, high = legal_range(field)
        wanted = f"at least {low}" if array[row, column] < minimum[column] else f"at most {high}"
        raise RefusalError(f"{field.name!r} must be {wanted}.", code="out_of_range", path=path)

    def _check_truths(self, array: Array, place: Place) -> None:
        chosen = array[:, self._truths]
        found = np.argwhere((chosen != 0) & (chosen != 1) & ~_missing(chosen))
        if len(found):
            row, column = int(found[0][0]), self._truths[int(found[0][1])]
            raise RefusalError(
                f"{self._fields[column].name!r} must be 0 or 1.",
                code="wrong_type",
                path=place(row, column),
            )


def _within(array: Array, low: Array, high: Array) -> bool:
    """Whether all values of each column are between its bounds; NaN is not."""
    least, most = array, array
    if array.size > FEW:
        if (known := native.within(array, low, high)) is not None:
            return known
        least, most = array.min(0), array.max(0)
    return bool(((least >= low) & (most <= high)).all())


def _inward(bound: float, whole: Callable[[float], int], dtype: np.dtype[Any]) -> float:
    return whole(bound) if dtype.kind in "iu" else bound


def _missing(array: Array) -> Array:
    return np.isnan(array) if array.dtype.kind == "f" else np.zeros(array.shape, np.bool_)


__all__ = ["Numbers", "Place", "Texts"]
