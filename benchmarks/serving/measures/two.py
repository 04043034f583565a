"""Two workers: the same load on all who can have them."""

from __future__ import annotations

from benchmarks.program import FailedError
from benchmarks.result import Result, result
from benchmarks.serving.closed import closed
from benchmarks.serving.field import Field, Table
from benchmarks.serving.limits import wanted
from benchmarks.serving.measures.one import FACTORS, LARGE, SMALL
from benchmarks.serving.running import Running
from benchmarks.serving.subject import as_json

WORKERS = 2
MEMORY = "memory after load, a worker of two"


def measure(field: Field) -> list[Result]:
    """Requests a second, latency, memory for each worker."""
    table = Table()
    absent = field.each(field.everybody, lambda server: load(field, table, server), WORKERS)
    found = []
    for name in (SMALL, LARGE):
        title = f"two workers, {name}"
        goal = wanted(table.of(title), FACTORS.get(name, {}))
        found.append(
            result(
                title, table.of(title), field.where, unit="/s", better="more",
                limit=goal.value, rule=goal.rule, absent=absent,
            )
        )  # fmt: skip
        found += [
            table.latency(f"{title}: {share}", field.where, absent) for share in ("p50", "p99")
        ]
    held = result(MEMORY, table.of(MEMORY), field.where, unit="MB", absent=absent)
    return [*found, held]


def load(field: Field, table: Table, server: Running) -> None:
    """Every sample of one server."""
    name = server.subject.name
    if len(server.processes) < WORKERS:
        raise FailedError("it has one process, whatever number of workers it is given")
    for rows, title in ((1, SMALL), (32, LARGE)):
        request = as_json(server.subject, field.made.rows.first(rows))
        closed(server, request, 32, 1)  # warm
        for _ in range(min(field.repeats, 2)):
            seen = closed(server, request, 32, field.seconds)
            table.add(f"two workers, {title}", name, seen.rate)
            table.add(f"two workers, {title}: p50", name, seen.p50)
            table.add(f"two workers, {title}: p99", name, seen.p99)
    table.add(MEMORY, name, server.memory / 1e6 / WORKERS)


__all__ = ["measure"]
