"""Counts of a model's calls, as the protocol's statistics extension tells them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sealift.serve.board import Family, Seat

BATCHES = 64
"""Sizes of batches that a worker tells apart; what comes later is told in the sums only."""

_ROOT = "statistics"
_REST = 0
_SUMS = ("last", "rows", "requests", "queue", "computed")
_PARTS = ("compute_input", "compute_infer", "compute_output")


class Statistics:
    """What a model did since the server started, in all workers; used by one thread."""

    def __init__(self, seat: Seat, model: str, version: str) -> None:
        self._board = seat.board
        self._named = (model, version)
        self._counts = Family(seat.table, _ROOT)
        self._calls: dict[int, tuple[int, ...]] = {}
        self._sums = [self._counts.cell(model, version, name) for name in _SUMS]

    def answered(
        self,
        rows: int,
        at: float,
        *,
        joined: int,
        read: float,
        waited: float,
        computed: float,
        wrote: float,
        requests: int = 1,
    ) -> None:
        """Count requests: their rows, when they were answered, and their parts in seconds.

        ``joined`` is the number of rows of the call of the model that answered them. The seconds
        are those of all of them added up.
        """
        numbers = self._counts.numbers
        last, seen, answered, queue, infer = self._sums
        numbers[last] = at
        numbers[seen] += rows
        numbers[answered] += requests
        numbers[queue] += waited
        numbers[infer] += computed
        _, begin, _, end = self._calls.get(joined) or self._of(joined)
        numbers[begin] += read
        numbers[end] += wrote

    def executed(self, rows: int, seconds: float) -> None:
        """Count a call of the model, for one request or several."""
        numbers = self._counts.numbers
        count, _, infer, _ = self._calls.get(rows) or self._of(rows)
        numbers[count] += 1.0
        numbers[infer] += seconds

    def _of(self, rows: int) -> tuple[int, ...]:
        """Where calls of so many rows are counted: how many, and the seconds of their parts."""
        size = rows if len(self._calls) < BATCHES else _REST
        places = tuple(self._counts.cell(*self._named, size, part) for part in ("count", *_PARTS))
        if size != _REST:
            self._calls[size] = places
        return places

    def refused(self, seconds: float) -> None:
        """Count a request that got no prediction."""
        self._counts.add(1.0, *self._named, "failures")
        self._counts.add(seconds, *self._named, "failing")

    def told(self) -> dict[str, Any]:
        """What the statistics extension tells of a model."""
        sums, sizes = self._gathered()
        total: Counter[str] = Counter()
        for counts in sizes.values():
            total.update(counts)
        # each request has waited for the whole of a call that it shared
        parts = {part: total[part] for part in _PARTS} | {"compute_infer": sums["computed"]}
        requests, queue = sums["requests"], sums["queue"]
        name, version = self._named
        return {
            "name": name,
            "version": version,
            "last_inference": round(sums["last"] * 1000),
            "inference_count": round(sums["rows"]),
            "execution_count": round(total["count"]),
            "inference_stats": {
                "success": _duration(requests, queue + sum(parts.values())),
                "fail": _duration(sums["failures"], sums["failing"]),
                "queue": _duration(requests, queue),
                **{part: _duration(requests, seconds) for part, seconds in parts.items()},
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
