"""Counts of a model's calls, as the protocol's statistics extension tells them."""

from __future__ import annotations

from typing import Any

_STAGES = ("compute_input", "compute_infer", "compute_output")
BATCHES = 64
"""Sizes of batches that are counted apart; what comes later is counted in the sums only."""


class _Duration:
    """How often, and how many nanoseconds."""

    __slots__ = ("count", "seconds")

    def __init__(self) -> None:
        self.count = 0
        self.seconds = 0.0

    def add(self, seconds: float) -> None:
        """Count one more."""
        self.count += 1
        self.seconds += seconds

    def told(self) -> dict[str, int]:
        """As the protocol writes it."""
        return {"count": self.count, "ns": round(self.seconds * 1e9)}


class Statistics:
    """What a model did since the server started; used by one thread."""

    def __init__(self) -> None:
        self._rows = 0
        self._calls = 0
        self._last = 0.0
        self._success = _Duration()
        self._fail = _Duration()
        self._queue = _Duration()
        self._stages = tuple(_Duration() for _ in _STAGES)
        self._batches: dict[int, tuple[_Duration, ...]] = {}

    def answered(self, rows: int, at: float, queue: float, stages: tuple[float, ...]) -> None:
        """Count a request: its rows, the time of the answer, and its parts in seconds.

        ``stages`` are reading the request, the model's call, and writing the answer.
        """
        self._rows += rows
        self._calls += 1
        self._last = at
        self._success.add(queue + sum(stages))
        self._queue.add(queue)
        for duration, seconds in zip(self._stages, stages, strict=True):
            duration.add(seconds)
        batch = self._batches.get(rows)
        if batch is None:
            if len(self._batches) >= BATCHES:
                return
            batch = self._batches[rows] = tuple(_Duration() for _ in _STAGES)
        for duration, seconds in zip(batch, stages, strict=True):
            duration.add(seconds)

    def refused(self, seconds: float) -> None:
        """Count a request that got no prediction."""
        self._fail.add(seconds)

    def told(self, name: str, version: str) -> dict[str, Any]:
        """The body of an answer about one model."""
        nothing = _Duration().told()
        return {
            "model_stats": [
                {
                    "name": name,
                    "version": version,
                    "last_inference": round(self._last * 1000),
                    "inference_count": self._rows,
                    "execution_count": self._calls,
                    "inference_stats": {
                        "success": self._success.told(),
                        "fail": self._fail.told(),
                        "queue": self._queue.told(),
                        **_parts(self._stages),
                        "cache_hit": nothing,
                        "cache_miss": nothing,
                    },
                    "batch_stats": [
                        {"batch_size": rows, **_parts(batch)}
                        for rows, batch in sorted(self._batches.items())
                    ],
                }
            ]
        }


def _parts(stages: tuple[_Duration, ...]) -> dict[str, dict[str, int]]:
    return {name: stage.told() for name, stage in zip(_STAGES, stages, strict=True)}


__all__ = ["Statistics"]
