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
        feeds = self._certified.packer.pack(rows)
        if self._certified.call + len(rows) * self._certified.row < INLINE:
            outputs = self._certified.model.run(feeds)
        else:
            loop = asyncio.get_running_loop()
            outputs = await loop.run_in_executor(self._executor, self._certified.model.run, feeds)
        predictions = scalars(outputs[self._contract.prediction])
        flags = self.guard.flags(rows)
        for number, value in enumerate(predictions):
            if isinstance(value, float) and not math.isfinite(value):
                predictions[number] = None
                flags.setdefault(number, []).append(self._contract.prediction)
        return Result(outputs, predictions, flags)

    def recorded(self, result: Result) -> list[float | str | None]:
        """The predictions as they are logged: class labels as text."""
        if self._labels:
            return [None if value is None else label(value) for value in result.predictions]
        return result.predictions


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
