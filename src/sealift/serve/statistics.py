"""Counts of a model's calls, as the protocol's statistics extension tells them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sealift.serve.board import Family, Seat

BATCHES = 64
"""Sizes of batches that a worker tells apart; what comes later is told in the sums only."""

_ROOT = "statistics"
_REST = 0
_PARTS = ("compute_input", "compute_infer", "compute_output")


class Statistics:
    """What a model did since the server started, in all workers; used by one thread."""

    def __init__(self, seat: Seat, model: str, version: str) -> None:
        self._board = seat.board
        self._named = (model, version)
        self._counts = Family(seat.table, _ROOT)
        self._sizes: set[int] = set()

    def answered(
        self, rows: int, at: float, *, read: float, waited: float, computed: float, wrote: float
    ) -> None:
        """Count a request: its rows, when it was answered, and its parts in seconds."""
        if rows not in self._sizes and len(self._sizes) < BATCHES:
            self._sizes.add(rows)
        size = rows if rows in self._sizes else _REST
        model, version = self._named
        add = self._counts.add
        self._counts.set(at, model, version, "last")
        add(rows, model, version, "rows")
        add(1.0, model, version, size, "count")
        add(waited, model, version, size, "queue")
        add(read, model, version, size, "compute_input")
        add(computed, model, version, size, "compute_infer")
        add(wrote, model, version, size, "compute_output")

    def refused(self, seconds: float) -> None:
        """Count a request that got no prediction."""
        self._counts.add(1.0, *self._named, "failures")
        self._counts.add(seconds, *self._named, "failing")

    def told(self) -> dict[str, Any]:
        """The body of an answer about the model."""
        sums, sizes = self._gathered()
        total: Counter[str] = Counter()
        for counts in sizes.values():
            total.update(counts)
        success = total["queue"] + sum(total[part] for part in _PARTS)
        calls = total["count"]
        name, version = self._named
        return {
            "model_stats": [
                {
                    "name": name,
                    "version": version,
                    "last_inference": round(sums["last"] * 1000),
                    "inference_count": round(sums["rows"]),
                    "execution_count": round(calls),
                    "inference_stats": {
                        "success": _duration(calls, success),
                        "fail": _duration(sums["failures"], sums["failing"]),
                        "queue": _duration(calls, total["queue"]),
                        **{part: _duration(calls, total[part]) for part in _PARTS},
                        "cache_hit": _duration(0, 0.0),
                        "cache_miss": _duration(0, 0.0),
                    },
                    "batch_stats": [
                        {"batch_size": size}
                        | {part: _duration(counts["count"], counts[part]) for part in _PARTS}
                        for size, counts in sorted(sizes.items())
                        if size != _REST
                    ],
                }
            ]
        }

    def _gathered(self) -> tuple[Counter[str], dict[int, Counter[str]]]:
        """What all workers counted: altogether, and by size of the batch."""
        sums: Counter[str] = Counter()
        sizes: dict[int, Counter[str]] = {}
        for table in self._board.tables:
            for (root, *labels), value in table.items():
                if root != _ROOT or tuple(labels[:2]) != self._named:
                    continue
                if labels[2] == "last":
                    sums["last"] = max(sums["last"], value)  # type: ignore[assignment]
                elif len(labels) == 3:
                    sums[labels[2]] += value  # type: ignore[assignment]
                else:
                    counts = sizes.setdefault(int(labels[2]), Counter())
                    counts[labels[3]] += value  # type: ignore[assignment]
        return sums, sizes


def _duration(count: float, seconds: float) -> dict[str, int]:
    return {"count": round(count), "ns": round(seconds * 1e9)}


__all__ = ["Statistics"]
