"""From a checked batch to predictions: the model's outputs, and what is flagged in them."""

from __future__ import annotations

import math
from typing import Any

import msgspec
from granian.rsgi import ProtocolClosed

from sealift import clock
from sealift.record.contract import Contract
from sealift.serve.admission import Lanes
from sealift.serve.batch import Batch
from sealift.serve.call import Call
from sealift.serve.ready import Certified
from sealift.serve.refusal import RefusalError
from sealift.serve.tensors import Array, cells, label

INLINE = 0.002
"""Seconds that a call of the model may keep other requests waiting; a longer one has a thread."""


class Result(msgspec.Struct, frozen=True):
    """What the model said: all outputs, and by row the prediction (None: no finite number).

    ``started`` and ``ended`` are when the model was called, by the monotonic clock.
    """

    outputs: dict[str, Array]
    predictions: list[Any]
    flags: dict[int, list[str]]
    started: float
    ended: float


class Predictor:
    """A certified model behind its contract."""

    def __init__(self, contract: Contract, certified: Certified, lanes: Lanes) -> None:
        self._answer = contract.prediction
        self._certified = certified
        self._lanes = lanes
        self._labels = contract.task == "classification"

    async def run(self, call: Call, batch: Batch) -> Result:
        """Predict a batch. Raises ``RefusalError``, and whatever a failing model raises."""
        flags = batch.flags
        if call.deadline and clock.monotonic() > call.deadline:
            raise call.late()
        try:
            outputs, started = await self._outputs(call, batch)
        except (RefusalError, ProtocolClosed):
            raise
        except Exception as error:
            # a model may know no answer beyond what it has seen: that is the request's fault
            if flags:
                raise _beyond(flags) from error
            raise
        ended = clock.monotonic()
        predictions = cells(outputs[self._answer])
        for number, value in enumerate(predictions):
            if isinstance(value, float) and not math.isfinite(value):
                predictions[number] = None
                flags.setdefault(number, []).append(self._answer)
        return Result(outputs, predictions, flags, started, ended)

    async def _outputs(self, call: Call, batch: Batch) -> tuple[dict[str, Array], float]:
        model = self._certified.model
        cost = self._certified.call + batch.count * self._certified.row
        if cost < INLINE and not model.waits:
            started = clock.monotonic()
            return model.run(batch.feeds), started
        options = model.stoppable()

        def job() -> tuple[dict[str, Array], float]:
            started = clock.monotonic()
            return model.run(batch.feeds, options), started

        def stop() -> None:
            options.terminate = True

        return await self._lanes.run(job, stop, cost, call)

    def recorded(self, result: Result) -> list[float | str | None]:
        """The predictions as they are logged: labels as text, None where it is no single value."""
        values = [None if isinstance(value, list) else value for value in result.predictions]
        if self._labels:
            return [None if value is None else label(value) for value in values]
        return values


def _beyond(flags: dict[int, list[str]]) -> RefusalError:
    row, fields = next(iter(flags.items()))
    return RefusalError(
        f"The model has no answer for a value of {', '.join(fields)} that is so unlike the "
        "training data.",
        code="out_of_domain",
        path=f"rows[{row}].{fields[0]}",
    )


__all__ = ["Predictor", "Result"]
