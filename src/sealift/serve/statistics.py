"""Counts of a model's calls, as the protocol's statistics extension tells them."""

from __future__ import annotations

from typing import Any

BATCHES = 64
"""Sizes of batches that are told apart; what comes later is told in the sums only."""


class _Counts:
    """Requests of one number of rows, and the seconds of their parts."""

    __slots__ = ("count", "infer", "input", "output", "queue")

    def __init__(self) -> None:
        self.count = 0
        self.queue = 0.0
        self.input = 0.0
        self.infer = 0.0
        self.output = 0.0


class Statistics:
    """What a model did since the server started; used by one thread."""

    def __init__(self) -> None:
        self._rows = 0
        self._last = 0.0
        self._failures = 0
        self._failing = 0.0
        self._rest = _Counts()
        self._batches: dict[int, _Counts] = {}

    def answered(
        self, rows: int, at: float, *, read: float, waited: float, computed: float, wrote: float
    ) -> None:
        """Count a request: its rows, when it was answered, and its parts in seconds."""
        self._rows += rows
        self._last = at
        counts = self._batches.get(rows)
        if counts is None:
            counts = self._rest
            if len(self._batches) < BATCHES:
                counts = self._batches[rows] = _Counts()
        counts.count += 1
        counts.input += read
        counts.queue += waited
        counts.infer += computed
        counts.output += wrote

    def refused(self, seconds: float) -> None:
        """Count a request that got no prediction."""
        self._failures += 1
        self._failing += seconds

    def told(self, name: str, version: str) -> dict[str, Any]:
        """The body of an answer about one model."""
        every = [*self._batches.values(), self._rest]
        calls = sum(one.count for one in every)
        queue = sum(one.queue for one in every)
        parts = {
            "compute_input": sum(one.input for one in every),
            "compute_infer": sum(one.infer for one in every),
            "compute_output": sum(one.output for one in every),
        }
        return {
            "model_stats": [
                {
                    "name": name,
                    "version": version,
                    "last_inference": round(self._last * 1000),
                    "inference_count": self._rows,
                    "execution_count": calls,
                    "inference_stats": {
                        "success": _duration(calls, queue + sum(parts.values())),
                        "fail": _duration(self._failures, self._failing),
                        "queue": _duration(calls, queue),
                        **{part: _duration(calls, seconds) for part, seconds in parts.items()},
                        "cache_hit": _duration(0, 0.0),
                        "cache_miss": _duration(0, 0.0),
                    },
                    "batch_stats": [
                        {
                            "batch_size": rows,
                            "compute_input": _duration(counts.count, counts.input),
                            "compute_infer": _duration(counts.count, counts.infer),
                            "compute_output": _duration(counts.count, counts.output),
                        }
                        for rows, counts in sorted(self._batches.items())
                    ],
                }
            ]
        }


def _duration(count: int, seconds: float) -> dict[str, int]:
    return {"count": count, "ns": round(seconds * 1e9)}


__all__ = ["Statistics"]
