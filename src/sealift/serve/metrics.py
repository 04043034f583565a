"""Counters of the server, in the text format of Prometheus (version 0.0.4)."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import ceil, log
from typing import Any

from sealift.serve.board import Family, Name, Seat

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BOUNDS = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0),
)
"""Upper bounds of the buckets of durations, in seconds."""

SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096)
"""Upper bounds of the buckets of rows, and of requests, in a call of the model."""

SECONDS = "sealift_request_seconds"

ROUTED = "sealift_routed_seconds"

FINEST, STEP, PLACES = 0.0001, 1.1, 140
"""Durations by the number of a route are counted in buckets that grow by a tenth, up to a minute:
fine enough to compare the slowest answers of two versions."""

GENERATIONS = 64
"""Numbers of routes that are counted; what came under later ones is not, so that nobody who makes
numbers up can fill the memory."""

_FAMILIES = {
    "sealift_requests_total": (("route", "status"), "Requests answered, by route and HTTP status."),
    "sealift_rows_total": ((), "Rows answered."),
    "sealift_rows_without_value_total": (
        (),
        "Rows for which the model gave no finite number.",
    ),
    "sealift_records_written_total": ((), "Predictions written to the log."),
    "sealift_records_dropped_total": ((), "Predictions that could not be written to the log."),
    "sealift_records_thinned_total": ((), "Predictions left out of the log as more came."),
    "sealift_flagged_total": (
        ("field",),
        "Values outside what the training data held, by field.",
    ),
    "sealift_refused_total": (
        ("code",),
        "Requests without the answer they asked for, by code of the error.",
    ),
    "sealift_workers_died_total": (("cause",), "Workers that died and were replaced, by cause."),
    "sealift_in_flight": ((), "Requests being answered."),
    "sealift_waiting": ((), "Requests that wait for a thread of the model."),
    "sealift_body_bytes": ((), "Bytes of request bodies under way."),
}
"""What is told of the numbers of the board: their labels, and what they count."""

_ALWAYS = ("sealift_in_flight", "sealift_waiting", "sealift_body_bytes")

LEVELS = _ALWAYS
"""What a worker that died has no more of."""

_PLAIN = (
    *("sealift_rows_total", "sealift_rows_without_value_total"),
    *("sealift_records_written_total", "sealift_records_dropped_total"),
    "sealift_records_thinned_total",
)

_CALLS = {
    "sealift_batch_rows": "Rows of a call of the model.",
    "sealift_batch_requests": "Requests that a call of the model answered.",
}


class Metrics:
    """What a worker counts, on the board that it shares with the others; used by one thread.

    ``begun`` counts the requests of this worker alone.
    """

    def __init__(self, seat: Seat) -> None:
        table = seat.table
        self._board = seat.board
        self._table = table
        self._places: dict[tuple[str, int], tuple[int, int, list[int]]] = {}
        self._generations: set[int] = set()
        self._routed = Family(table, f"{ROUTED}_bucket")
        self._taken = Family(table, f"{ROUTED}_sum")
        self.refused = Family(table, "sealift_refused_total")
        self.flags = Family(table, "sealift_flagged_total")
        self._rows = table.cell("sealift_rows_total")
        self.valueless = Family(table, "sealift_rows_without_value_total")
        self.in_flight = Family(table, "sealift_in_flight")
        self.begun = 0
        self._calls = [
            (
                [Family(table, f"{name}_bucket").cell(place) for place in range(len(SIZES) + 1)],
                Family(table, f"{name}_sum").cell(),
            )
            for name in _CALLS
        ]
        self._levels = {name: Family(table, name) for name in (*_ALWAYS, *_PLAIN)}
        self._before = {name: self._levels[name].get() for name in _PLAIN}

    def answered(self, route: str, status: int, seconds: float, requests: int = 1) -> None:
        """Count requests to a route, and how long each of them took."""
        numbers = self._table.numbers
        count, total, buckets = self._places.get((route, status)) or self._of(route, status)
        numbers[count] += requests
        numbers[total] += seconds * requests
        numbers[buckets[bisect_left(BOUNDS, seconds)]] += requests

    def routed(self, generation: int, status: int, seconds: float, requests: int = 1) -> None:
        """Count requests for predictions by the number of the route that they came by."""
        if generation not in self._generations:
            if len(self._generations) >= GENERATIONS:
                return
            self._generations.add(generation)
        self._routed.add(float(requests), generation, status, place(seconds))
        self._taken.add(seconds * requests, generation, status)

    def _of(self, route: str, status: int) -> tuple[int, int, list[int]]:
        """Where requests to a route with a status are counted: how many, how long, by bucket."""
        cell = self._table.cell
        places = self._places[(route, status)] = (
            cell("sealift_requests_total", route, str(status)),
            cell(f"{SECONDS}_sum", route),
            [cell(f"{SECONDS}_bucket", route, str(place)) for place in range(len(BOUNDS) + 1)],
        )
        return places

    def given(self, rows: int) -> None:
        """Count the rows of an answer."""
        self._table.numbers[self._rows] += rows

    def flagged(self, counts: Mapping[str, int]) -> None:
        """Count the rows of an answer in which a field is flagged."""
        for field, times in counts.items():
            self.flags.add(float(times), field)

    def executed(self, rows: int, requests: int) -> None:
        """Count a call of the model."""
        numbers = self._table.numbers
        (row_buckets, row_sum), (request_buckets, request_sum) = self._calls
        numbers[row_buckets[bisect_left(SIZES, rows)]] += 1.0
        numbers[row_sum] += rows
        numbers[request_buckets[bisect_left(SIZES, requests)]] += 1.0
        numbers[request_sum] += requests

    def level(self, name: str, value: float) -> None:
        """Tell how much there is of something now."""
        self._levels[name].set(value)

    def counted(self, name: str, value: float) -> None:
        """Tell what this process has counted elsewhere since it started."""
        self._levels[name].set(self._before[name] + value)

    def text(
        self,
        *,
        gauges: Mapping[str, float],
        counters: Mapping[str, float],
        info: Iterable[Mapping[str, str]],
        models: Sequence[Mapping[str, Any]],
    ) -> str:
        """Everything that all workers counted, and the values of others, as one page.

        ``models`` are the statistics of each, as the statistics extension tells them.
        """
        by_family: defaultdict[str, dict[Name, float]] = defaultdict(dict)
        for (name, *of), value in self._board.totals().items():
            by_family[name][tuple(of)] = value
        lines: list[str] = []
        for name, (labels, words) in _FAMILIES.items():
            kind = "counter" if name.endswith("_total") else "gauge"
            found = by_family[name] or ({} if labels else {(): 0.0})
            samples = (
                (dict(zip(labels, given, strict=True)), value)
                for given, value in sorted(found.items())
            )
            _family(lines, name, kind, words, samples)
        lines += [f"# HELP {SECONDS} Time in the server, by route.", f"# TYPE {SECONDS} histogram"]
        buckets = by_family[f"{SECONDS}_bucket"]
        for (route,), taken in sorted(by_family[f"{SECONDS}_sum"].items()):
            own = {place: count for (of, place), count in buckets.items() if of == route}
            _histogram(lines, SECONDS, BOUNDS, own, taken, {"route": route})
        for name, words in _CALLS.items():
            lines += [f"# HELP {name} {words}", f"# TYPE {name} histogram"]
            own = {place: count for (place,), count in by_family[f"{name}_bucket"].items()}
            _histogram(lines, name, SIZES, own, by_family[f"{name}_sum"].get((), 0.0), {})
        for kind, others in (("counter", counters), ("gauge", gauges)):
            for name, number in others.items():
                _family(lines, name, kind, _HELP[name], [({}, number)])
        _of_routes(lines, by_family)
        for name, (words, count) in _OF_MODELS.items():
            each = (({"model": one["name"], "version": one["version"]}, one) for one in models)
            _family(lines, name, "counter", words, [(named, count(one)) for named, one in each])
        _family(lines, "sealift_info", "gauge", "What is served.", [(one, 1) for one in info])
        return "\n".join(lines) + "\n"


def place(seconds: float) -> int:
    """The number of the fine bucket that a duration belongs in.

    >>> place(0.0), place(0.0001), place(0.00011), place(0.01), place(9999.0)
    (0, 0, 1, 49, 140)
    """
    if seconds <= FINEST:
        return 0
    return min(PLACES, ceil(log(seconds / FINEST) / log(STEP) - 1e-9))


def _of_routes(lines: list[str], families: Mapping[str, Mapping[Name, float]]) -> None:
    """Requests by the number of their route; only buckets that are not empty are told."""
    lines += [
        f"# HELP {ROUTED} Time in the server of requests for predictions, by number of the route.",
        f"# TYPE {ROUTED} histogram",
    ]
    buckets = families[f"{ROUTED}_bucket"]
    for (generation, status), taken in sorted(families[f"{ROUTED}_sum"].items()):
        labels = {"generation": generation, "status": status}
        own = {
            int(number): count
            for (of, with_status, number), count in buckets.items()
            if (of, with_status) == (generation, status)
        }
        total = 0.0
        for number, count in sorted(own.items()):
            total += count
            bound = f"{FINEST * STEP**number:.6g}"
            lines.append(_sample(f"{ROUTED}_bucket", {**labels, "le": bound}, total))
        lines.append(_sample(f"{ROUTED}_bucket", {**labels, "le": "+Inf"}, total))
        lines.append(_sample(f"{ROUTED}_sum", labels, taken))
        lines.append(_sample(f"{ROUTED}_count", labels, total))


def _histogram(
    lines: list[str],
    name: str,
    bounds: Sequence[float],
    buckets: Mapping[str, float],
    seen: float,
    labels: Mapping[str, str],
) -> None:
    """A histogram whose buckets are counted by their numbers, and the sum of all that was seen."""
    total = 0.0
    for number, bound in enumerate((*bounds, "+Inf")):
        total += buckets.get(str(number), 0.0)
        lines.append(_sample(f"{name}_bucket", {**labels, "le": str(bound)}, total))
    lines.append(_sample(f"{name}_sum", labels, seen))
    lines.append(_sample(f"{name}_count", labels, total))


_HELP = {
    "sealift_batch_rows_limit": "Rows up to which requests may be joined; 1: none are.",
    "process_cpu_seconds_total": "Processor time of the server, user and system.",
    "process_open_fds": "Open files and connections.",
    "process_resident_memory_bytes": "Memory that the server holds.",
    "process_threads": "Threads of the server.",
    "process_virtual_memory_bytes": "Memory that the server has addressed.",
    "sealift_ready": "1 when the golden vectors were reproduced and the server does not end.",
    "sealift_workers": "Processes that are to answer requests.",
    "sealift_workers_ready": "Those that reproduced the golden vectors and do not end.",
}


_OF_MODELS: dict[str, tuple[str, Callable[[Mapping[str, Any]], float]]] = {
    "sealift_model_requests_total": (
        "Requests answered, by model.",
        lambda one: one["inference_stats"]["success"]["count"],
    ),
    "sealift_model_failures_total": (
        "Requests without the prediction they asked for, by model.",
        lambda one: one["inference_stats"]["fail"]["count"],
    ),
    "sealift_model_rows_total": ("Rows answered, by model.", lambda one: one["inference_count"]),
}


def _family(
    lines: list[str],
    name: str,
    kind: str,
    words: str,
    samples: Iterable[tuple[Mapping[str, str], float]],
) -> None:
    lines += [f"# HELP {name} {words}", f"# TYPE {name} {kind}"]
    lines += [_sample(name, labels, value) for labels, value in samples]


def _sample(name: str, labels: Mapping[str, str], value: float) -> str:
    shown = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
    number = int(value) if value == int(value) else value
    return f"{name}{{{shown}}} {number}" if shown else f"{name} {number}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


__all__ = ["CONTENT_TYPE", "LEVELS", "Metrics"]
