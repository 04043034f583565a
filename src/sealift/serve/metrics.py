"""Counters of the server, in the text format of Prometheus (version 0.0.4)."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BOUNDS = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0),
)
"""Upper bounds of the buckets of durations, in seconds."""


class Metrics:
    """What the server counted since it started; used by one thread."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, int]] = Counter()
        self.refused: Counter[str] = Counter()
        self.flags: Counter[str] = Counter()
        self.rows = 0
        self.valueless = 0
        self.begun = 0
        self.in_flight = 0
        self._buckets: dict[str, list[int]] = {}
        self._seconds: Counter[str] = Counter()

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count a request to a route, and how long it took."""
        self.requests[route, status] += 1
        if route not in self._buckets:
            self._buckets[route] = [0] * (len(BOUNDS) + 1)
        self._buckets[route][bisect_left(BOUNDS, seconds)] += 1
        self._seconds[route] += seconds  # type: ignore[assignment]

    def text(
        self, *, gauges: Mapping[str, float], counters: Mapping[str, float], info: Mapping[str, str]
    ) -> str:
        """Everything counted, and the values of others, as one page."""
        lines: list[str] = []
        _family(
            lines,
            "sealift_requests_total",
            "counter",
            "Requests answered, by route and HTTP status.",
            (
                ({"route": route, "status": str(status)}, count)
                for (route, status), count in sorted(self.requests.items())
            ),
        )
        self._durations(lines)
        own = {
            "sealift_rows_total": self.rows,
            "sealift_rows_without_value_total": self.valueless,
        }
        for name, value in {**own, **counters}.items():
            _family(lines, name, "counter", _HELP[name], [({}, value)])
        for name, label, counts in (
            ("sealift_flagged_total", "field", self.flags),
            ("sealift_refused_total", "code", self.refused),
        ):
            samples = (({label: key}, count) for key, count in sorted(counts.items()))
            _family(lines, name, "counter", _HELP[name], samples)
        for name, level in {"sealift_in_flight": self.in_flight, **gauges}.items():
            _family(lines, name, "gauge", _HELP[name], [({}, level)])
        _family(lines, "sealift_info", "gauge", "What is served.", [(info, 1)])
        return "\n".join(lines) + "\n"

    def _durations(self, lines: list[str]) -> None:
        name = "sealift_request_seconds"
        lines += [f"# HELP {name} Time in the server, by route.", f"# TYPE {name} histogram"]
        for route, buckets in sorted(self._buckets.items()):
            total = 0
            for bound, count in zip((*BOUNDS, "+Inf"), buckets, strict=True):
                total += count
                lines.append(_sample(f"{name}_bucket", {"route": route, "le": str(bound)}, total))
            lines.append(_sample(f"{name}_sum", {"route": route}, self._seconds[route]))
            lines.append(_sample(f"{name}_count", {"route": route}, total))


_HELP = {
    "process_cpu_seconds_total": "Processor time of the server, user and system.",
    "process_open_fds": "Open files and connections.",
    "process_resident_memory_bytes": "Memory that the server holds.",
    "process_threads": "Threads of the server.",
    "process_virtual_memory_bytes": "Memory that the server has addressed.",
    "sealift_body_bytes": "Bytes of request bodies under way.",
    "sealift_flagged_total": "Values outside what the training data held, by field.",
    "sealift_in_flight": "Requests being answered.",
    "sealift_ready": "1 when the golden vectors were reproduced and the server does not end.",
    "sealift_records_dropped_total": "Predictions that were not written to the log.",
    "sealift_records_written_total": "Predictions written to the log.",
    "sealift_refused_total": "Requests without the answer they asked for, by code of the error.",
    "sealift_rows_total": "Rows answered.",
    "sealift_rows_without_value_total": "Rows for which the model gave no finite number.",
    "sealift_waiting": "Requests that wait for a thread of the model.",
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
    return f"{name}{{{shown}}} {value}" if shown else f"{name} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


__all__ = ["CONTENT_TYPE", "Metrics"]
