"""gRPC: one row, and 32 rows, as raw bytes in 32 connections with one request each at a time."""

from __future__ import annotations

from benchmarks.result import Result, result
from benchmarks.serving import rpc
from benchmarks.serving.field import Field, Table
from benchmarks.serving.limits import wanted
from benchmarks.serving.running import Running


def measure(field: Field) -> list[Result]:
    """Calls a second and latency of ours and of each rival with gRPC."""
    table = Table()
    subjects = [one for one in (field.ours, *field.rivals) if one.grpc]
    absent = field.each(subjects, lambda server: load(field, table, server))
    found = []
    for count in (1, 32):
        name = title(count)
        rivals = [one for one in table.of(name) if one != "ours"]
        goal = wanted(table.of(name), dict.fromkeys(rivals, 1.0))
        found.append(
            result(
                name, table.of(name), field.where, unit="/s", better="more",
                limit=goal.value, rule=goal.rule, absent=absent,
            )
        )  # fmt: skip
        found += [
            table.latency(f"{name}: {share}", field.where, absent) for share in ("p50", "p99")
        ]
    return found


def load(field: Field, table: Table, server: Running) -> None:
    """Every sample of one server."""
    for count in (1, 32):
        rows = field.made.rows.first(count)
        rpc.grpc(server, rows, 32, 1)  # warm
        for _ in range(field.repeats):
            seen = rpc.grpc(server, rows, 32, field.seconds)
            table.add(title(count), server.subject.name, seen.rate)
            table.add(f"{title(count)}: p50", server.subject.name, seen.p50)
            table.add(f"{title(count)}: p99", server.subject.name, seen.p99)


def title(count: int) -> str:
    """What a measure is called."""
    return f"gRPC, {count} row{'s' if count > 1 else ''}, 32 connections"


__all__ = ["measure"]
