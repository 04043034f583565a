"""From rows to predictions: the model's outputs, what is flagged, and the answer's body."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import msgspec

from sealift.record.contract import Contract
from sealift.serve.guard import Guard
from sealift.serve.ready import Certified
from sealift.serve.refusal import RefusalError
from sealift.serve.tensors import Array, Row, label, scalars

INLINE = 0.002
"""Seconds that a call of the model may keep other requests waiting; a longer one has a thread."""


@dataclass(frozen=True)
class Result:
    """What the model said: all outputs, and by row the prediction (None: no finite number)."""

    outputs: dict[str, Array]
    predictions: list[Any]
    flags: dict[int, list[str]]


class Predictor:
    """A certified model behind its contract."""

    def __init__(
        self, contract: Contract, guard: Guard, certified: Certified, executor: Executor
    ) -> None:
        self.guard = guard
        self._contract = contract
        self._certified = certified
        self._executor = executor
        self._labels = contract.task == "classification"

    async def run(self, rows: Sequence[Row]) -> Result:
        """Predict rows that passed the guard."""
        flags = self.guard.flags(rows)
        try:
            outputs = await self._outputs(rows)
        except Exception as error:
            # a model may know no answer beyond what it has seen: that is the request's fault
            if flags:
                raise _beyond(flags) from error
            raise
        predictions = scalars(outputs[self._contract.prediction])
        for number, value in enumerate(predictions):
            if isinstance(value, float) and not math.isfinite(value):
                predictions[number] = None
                flags.setdefault(number, []).append(self._contract.prediction)
        return Result(outputs, predictions, flags)

    async def _outputs(self, rows: Sequence[Row]) -> dict[str, Array]:
        model, feeds = self._certified.model, self._certified.packer.pack(rows)
        if self._certified.call + len(rows) * self._certified.row < INLINE:
            return model.run(feeds)
        return await asyncio.get_running_loop().run_in_executor(self._executor, model.run, feeds)

    def recorded(self, result: Result) -> list[float | str | None]:
        """The predictions as they are logged: class labels as text."""
        if self._labels:
            return [None if value is None else label(value) for value in result.predictions]
        return result.predictions


def _beyond(flags: dict[int, list[str]]) -> RefusalError:
    row, fields = next(iter(flags.items()))
    return RefusalError(
        f"The model has no answer for a value of {', '.join(fields)} that is so unlike the "
        "training data.",
        code="out_of_domain",
        path=f"rows[{row}].{fields[0]}",
    )


def body(name: str, version: int, identifier: str, result: Result) -> bytes:
    """The answer to ``/predict``."""
    answer: dict[str, Any] = {
        "id": identifier,
        "model": name,
        "version": version,
        "predictions": result.predictions,
    }
    if result.flags:
        answer["flags"] = result.flags
    return msgspec.json.encode(answer)


__all__ = ["Predictor", "Result", "body"]
