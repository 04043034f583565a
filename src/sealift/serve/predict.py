"""From a checked batch to predictions: the model's outputs, and what is flagged in them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from sealift import clock
from sealift.record.contract import Contract
from sealift.serve.batch import Batch
from sealift.serve.batcher import Batcher
from sealift.serve.call import Call
from sealift.serve.gone import GoneError
from sealift.serve.refusal import RefusalError
from sealift.serve.tensors import Array, cells, label


class Result(msgspec.Struct, frozen=True):
    """What the model said: all outputs, and by row the prediction (None: no finite number).

    ``started`` and ``ended`` are when the model was called, by the monotonic clock, and ``joined``
    is the number of rows of that call, of which others may have asked for some.
    """

    outputs: dict[str, Array]
    predictions: list[Any]
    flags: dict[int, list[str]]
    started: float
    ended: float
    joined: int


class Predictor:
    """A certified model behind its contract."""

    def __init__(self, contract: Contract, batcher: Batcher) -> None:
        self._answer = contract.prediction
        self._batcher = batcher
        self._labels = contract.task == "classification"

    async def run(self, call: Call, batch: Batch) -> Result:
        """Predict a batch. Raises ``RefusalError``, and whatever a failing model raises."""
        flags = batch.flags
        if call.deadline and clock.monotonic() > call.deadline:
            raise call.late()
        try:
            ran = self._batcher.at_once(batch) or await self._batcher.run(batch, call)
        except (RefusalError, GoneError):
            raise
        except Exception as error:
            # a model may know no answer beyond what it has seen: that is the request's fault
            if flags:
                raise _beyond(flags) from error
            raise
        answers = ran.outputs[self._answer]
        predictions = cells(answers)
        if not _finite(answers):
            # rows may share a list
            flags = dict(flags)
            for number, value in enumerate(predictions):
                if isinstance(value, float) and not math.isfinite(value):
                    predictions[number] = None
                    flags[number] = [*flags.get(number, ()), self._answer]
        return Result(ran.outputs, predictions, flags, ran.started, ran.ended, ran.rows)

    def recorded(self, result: Result, rows: Sequence[int]) -> list[float | str | None]:
        """The predictions of some rows as they are logged."""
        return logged([result.predictions[number] for number in rows], labels=self._labels)


def logged(predictions: Sequence[Any], *, labels: bool) -> list[float | str | None]:
    """Predictions as they are logged: None stands where there is no single value, and labels, where
    the model gives those, are texts.

    >>> logged([1.5, None, [0.5, 0.5]], labels=False), logged([1.0], labels=True)
    ([1.5, None, None], ['1'])
    """
    values = [None if isinstance(value, list) else value for value in predictions]
    return [None if value is None else label(value) for value in values] if labels else values


def _finite(answers: Array) -> bool:
    """Whether all are known to be finite numbers; only a look at each tells of what is none."""
    if answers.dtype.kind == "f":
        return bool(np.isfinite(answers).all())
    return answers.dtype.kind in "biu"


def _beyond(flags: dict[int, list[str]]) -> RefusalError:
    row, fields = next(iter(flags.items()))
    return RefusalError(
        f"The model has no answer for a value of {', '.join(fields)} that is so unlike the "
        "training data.",
        code="out_of_domain",
        path=f"rows[{row}].{fields[0]}",
    )


__all__ = ["Predictor", "Result", "logged"]
