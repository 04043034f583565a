"""A model asked about the table it was trained on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from sealift.errors import PackageError
from sealift.record.contract import Contract, Golden
from sealift.record.profile import Profile
from sealift.serve import fields, golden, outputs
from sealift.serve.answering import Answering
from sealift.serve.choice import evenly, golden_rows
from sealift.serve.guard import legal
from sealift.serve.table import TRUTH, Column
from sealift.serve.tensors import Array, Packer, Row, label, scalars, sized
from sealift.stats.sketch import profile_numbers, profile_texts

SAMPLE = 50_000
"""Rows that the model predicts for its own profile."""

BATCH = 1024
TOLERANCE = 1e-5
"""What golden vectors allow when threads or the size of a batch change the last bits."""


class Study:
    """The model's answers to the rows of the table that fit the draft of its contract.

    Raises ``PackageError`` when the model cannot answer them as it must.
    """

    def __init__(self, model: Answering, draft: Contract, columns: Sequence[Column]) -> None:
        self._model = model
        self._draft = draft
        self._columns = columns
        self._rows = len(columns[0])
        self._packer = Packer(draft, sized(model.inputs, draft))
        self._legal = legal(draft)
        sample = [row for row in evenly(self._rows, SAMPLE) if self._fits(row)]
        if not sample:
            raise PackageError(
                "No row of the table fits the rules for its fields.",
                where="[model.fields]",
                remedy="Widen the rules.",
            )
        self._outputs = self._describe(sample)
        self._predictions = self._predict(sample)

    def contract(self, target: Column) -> Contract:
        """The draft with its outputs and classes."""
        classes: tuple[str, ...] = ()
        if self._draft.task == "classification":
            classes = outputs.classes(self._predictions, self._labels(target))
        return msgspec.structs.replace(self._draft, outputs=tuple(self._outputs), classes=classes)

    def profile(self, target: Column) -> Profile:
        """The training data, the target and the model's own answers."""
        if self._draft.task == "regression":
            truth = profile_numbers(target.name, target.numbers())
            answers = np.array(self._predictions, np.float64)
            told = profile_numbers(self._draft.prediction, answers)
            baseline: float | str = truth.mean
        else:
            labels = self._labels(target)
            truth = profile_texts(target.name, labels)
            told = profile_texts(
                self._draft.prediction, [label(value) for value in self._predictions]
            )
            baseline = truth.categories[0] if truth.categories else ""
        return Profile(
            rows=self._rows,
            fields=tuple(fields.profile(column) for column in self._columns),
            target=truth,
            prediction=told,
            baseline=baseline,
        )

    def golden(self, others: Sequence[Answering], batch_tolerance: float = 0.0) -> Golden:
        """Golden vectors, whose tolerance is 0 when each of the ``others``, which run with other
        numbers of threads, gives the same bits for all rows at once, for seven and for one.

        Floats are added up in an order that may depend on threads and on the size of the batch;
        where it does, or where nobody knows, the bits cannot be promised, and a small tolerance
        is recorded.
        """
        chosen = golden_rows(self._columns, self._rows, self._fits)
        batch = [self._row(number) for number in chosen]
        expected = golden.answers(self._model, self._packer, batch)
        self._check_finite(expected)
        same = self._model.exact and all(
            golden.answers_in_parts(model, self._packer, batch, size) == expected
            for model in (self._model, *others)
            for size in (1, 7, len(batch))
        )
        names = [field.name for field in self._draft.fields]
        return Golden(
            rows=tuple(dict(zip(names, row, strict=True)) for row in batch),
            outputs=expected,
            tolerance=0.0 if same else TOLERANCE,
            batch_tolerance=batch_tolerance,
        )

    def _check_finite(self, outputs: dict[str, list[Any]]) -> None:
        for name, values in outputs.items():
            if not all(math.isfinite(v) for v in _floats(values)):
                raise PackageError(
                    f"The output {name!r} holds numbers that are not finite.",
                    where="model.onnx",
                    remedy="Leave the output out, or mend the model.",
                )

    def _row(self, number: int) -> Row:
        return tuple(column.value(number) for column in self._columns)

    def _fits(self, number: int) -> bool:
        return self._legal(self._row(number))

    def _describe(self, sample: Sequence[int]) -> list[Any]:
        for count in (1, 3):
            rows = [sample[number % len(sample)] for number in range(count)]
            found = outputs.described(self._model.outputs, self._run(rows), count)
        answer = next(output for output in found if output.name == self._draft.prediction)
        outputs.check_single(answer)
        return found

    def _predict(self, sample: Sequence[int]) -> list[Any]:
        values: list[Any] = []
        for start in range(0, len(sample), BATCH):
            numbers = sample[start : start + BATCH]
            answers = self._run(numbers)[self._draft.prediction]
            if answers.dtype.kind == "f" and not np.isfinite(answers).all():
                bad = int(np.argmin(np.isfinite(answers.reshape(-1))))
                raise self._no_number(numbers[bad])
            values += scalars(answers)
        return values

    def _run(self, numbers: Sequence[int]) -> dict[str, Array]:
        rows = [self._row(number) for number in numbers]
        try:
            return self._model.run(self._packer.pack(rows))
        except Exception as error:  # onnxruntime's errors share no other base
            raise PackageError(
                f"The model fails on rows {numbers[0] + 1} to {numbers[-1] + 1} of the table: "
                f"{error}",
                where="model.onnx",
                remedy="It must take any number of rows of the table.",
            ) from error

    def _no_number(self, number: int) -> PackageError:
        row = self._row(number)
        pairs = zip(self._draft.fields, row, strict=True)
        empty = [field.name for field, value in pairs if value is None]
        if empty:
            cause = f"where {', '.join(empty)} is empty"
            remedy = "Impute in the model, or set nullable = false for the field."
        else:
            cause = f"for row {number + 1} of the table"
            remedy = "Train it so that every row has a finite prediction."
        return PackageError(
            f"The model gives no finite number {cause}.", where="model.onnx", remedy=remedy
        )

    def _labels(self, target: Column) -> list[str | None]:
        dtype = next(
            output.dtype for output in self._outputs if output.name == self._draft.prediction
        )
        return [None if text is None else _spelling(text, dtype) for text in target.texts]


def _floats(values: list[Any]) -> list[float]:
    flat = (cell for value in values for cell in (value if isinstance(value, list) else [value]))
    return [cell for cell in flat if isinstance(cell, float)]


def _spelling(text: str, dtype: str) -> str:
    """A label of the table as the model spells it.

    >>> _spelling("1.0", "INT64"), _spelling("True", "INT64"), _spelling("1", "BOOL")
    ('1', '1', 'true')
    """
    if dtype == "BYTES":
        return text
    truth = TRUTH.get(text.lower())
    if truth is not None:
        return label(truth if dtype == "BOOL" else int(truth))
    try:
        return label(float(text))
    except ValueError:
        return text


__all__ = ["Study"]
